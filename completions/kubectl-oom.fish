# Completion of kubectl-oom for fish: kubectl-oom completion fish > ~/.config/fish/completions/kubectl-oom.fish
# Written by that command.
function __kubectl_oom_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -e words[1]
    set -l flag (string match -r -- '^-.*?=' "$last")
    set -l directive 0
    set -l found 0
    for line in ($program __complete $words "$last" 2>/dev/null)
        if string match -q -- ':*' $line
            set directive (string sub -s 2 -- $line)
        else
            set found 1
            echo -- "$flag$line"
        end
    end
    if test $directive = 16
        __fish_complete_directories "$last"
    else if test $found = 0 -a $directive = 0
        set -l value (string replace -r -- '^-.*?=' '' "$last")
        printf "$flag%s\n" (__fish_complete_path "$value")
    end
end
complete -c kubectl-oom -e
complete -c kubectl-oom -f -k -a '(__kubectl_oom_complete)'
