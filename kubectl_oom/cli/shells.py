"""The scripts that make shells complete the bare `kubectl-oom`: each asks `kubectl-oom __complete`, as kubectl does.

What they share: the words up to the cursor are passed on, never evaluated; of an answer, lines are candidates with a
description after a tab, and the last line is cobra's directive (1 error, 2 no space, 4 no files, 16 folders, 32 keep
the order).
"""

from __future__ import annotations

BASH = r"""# Completion of kubectl-oom for bash: source <(kubectl-oom completion bash)
# Written by that command. Needs nothing else; bash 4.4 or later keeps the order of names and hides file names.
_kubectl_oom() {
    local words=() rest=${COMP_LINE:0:COMP_POINT} word last piece= i
    # bash splits words at = : @ too: what stands together is one word.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $i -eq 0 || $rest == [[:space:]]* ]]; then
            rest=${rest#"${rest%%[![:space:]]*}"}
            [[ $i -eq COMP_CWORD ]] && word=$rest
            words+=("$word")
        else
            [[ $i -eq COMP_CWORD ]] && word=$rest
            words[${#words[@]}-1]+=$word
        fi
        rest=${rest#"$word"}
        # readline takes a name after @ for a host, and replaces it with its @.
        [[ $piece == @ ]] && piece=@$word || piece=$word
    done
    last=${words[${#words[@]}-1]}

    # Of the last word, what readline leaves alone, and the flag that stands before a value.
    [[ $piece == *[!=:]* ]] || piece=
    local kept=${last%"$piece"} flag=
    [[ $last == -*=* ]] && flag=${last%%=*}=

    local line value directive=0 width=0 values=() notes=()
    while IFS= read -r line; do
        if [[ $line == :* ]]; then
            directive=${line#:}
            continue
        fi
        value=${line%%$'\t'*}
        [[ $flag$value == "$last"* ]] || continue
        printf -v value %q "$flag$value"
        value=${value#"$kept"}
        ((${#value} > width)) && width=${#value}
        values+=("$value")
        [[ $line == *$'\t'* ]] && line=${line#*$'\t'} || line=
        notes+=("$line")
    done < <("${1/#\~\//$HOME/}" __complete "${words[@]:1}" 2>/dev/null)

    COMPREPLY=()
    for ((i = 0; i < ${#values[@]}; i++)); do
        value=${values[i]}
        # The list of what is possible has notes; what is put on the line has not.
        if [[ $COMP_TYPE -eq 63 && ${#values[@]} -gt 1 && -n ${notes[i]} ]]; then
            printf -v value '%-*s  (%s)' "$width" "$value" "${notes[i]}"
        fi
        COMPREPLY+=("$value")
    done
    if type compopt &>/dev/null; then
        ((directive & 2)) && compopt -o nospace
        ((directive & 4)) && compopt +o default
        ((directive & 16)) && compopt -o dirnames +o default
        ((directive & 32)) && compopt -o nosort 2>/dev/null
    fi
    return 0
}
complete -o default -F _kubectl_oom kubectl-oom
"""

ZSH = r"""#compdef kubectl-oom
# Completion of kubectl-oom for zsh, written by `kubectl-oom completion zsh`: put it into a folder of fpath as
# _kubectl-oom, or after compinit: source <(kubectl-oom completion zsh)
_kubectl-oom() {
    local -a values notes shown options
    local line value directive=0 width=0 i
    while IFS= read -r line; do
        if [[ $line == :* ]]; then
            directive=${line#:}
        else
            value=${line%%$'\t'*}
            values+=("$value")
            [[ $line == *$'\t'* ]] && notes+=("${line#*$'\t'}") || notes+=('')
            (( $#value > width )) && width=$#value
        fi
    done < <(${(Q)words[1]/#\~\//$HOME/} __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)

    [[ $PREFIX == -*=* ]] && compset -P 1 '*='
    if (( directive & 16 )); then
        _path_files -/
    elif (( $#values )); then
        for (( i = 1; i <= $#values; i++ )); do
            shown+=("${(r:width:)values[i]}${notes[i]:+  -- $notes[i]}")
        done
        [[ -n ${(j::)notes} ]] && options+=(-l)
        (( directive & 2 )) && options+=(-S '')
        # _describe would sort, and put those of one description on one line.
        compadd -V kubectl-oom "${(@)options}" -d shown -a values
    elif (( ! (directive & 4) )); then
        _files
    fi
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _kubectl-oom "$@"
else
    compdef _kubectl-oom kubectl-oom
fi
"""

FISH = r"""# Completion of kubectl-oom for fish: kubectl-oom completion fish > ~/.config/fish/completions/kubectl-oom.fish
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
"""

POWERSHELL = r"""# Completion of kubectl-oom for PowerShell, in your $PROFILE:
#   kubectl-oom completion powershell | Out-String | Invoke-Expression
# Written by that command.
Register-ArgumentCompleter -Native -CommandName 'kubectl-oom', 'kubectl-oom.exe' -ScriptBlock {
    param($WordToComplete, $CommandAst, $CursorPosition)

    $Elements = @($CommandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $CursorPosition })
    $Words = @($Elements | Select-Object -Skip 1 | ForEach-Object {
        $_.Extent.Text.Substring(0, [Math]::Min($_.Extent.Text.Length, $CursorPosition - $_.Extent.StartOffset))
    })
    $Ended = $Elements.Count -gt 0 -and $Elements[-1].Extent.EndOffset -lt $CursorPosition
    $Last = if ($Ended -or $Words.Count -eq 0) { '' } else { $Words[-1] }
    if ($Ended -or $Words.Count -eq 0) {
        # Before 7.3 PowerShell drops an empty argument, unless it brings its own quotes.
        $Legacy = $PSVersionTable.PSVersion -lt [version]'7.3' -or $PSNativeCommandArgumentPassing -eq 'Legacy'
        $Words += if ($Legacy) { '""' } else { '' }
    }
    $Flag = if ($Last -match '^(-[^=]*=)') { $Matches[1] } else { '' }

    $Lines = @(& $Elements[0].Extent.Text __complete @Words 2>$null)
    foreach ($Line in $Lines) {
        if ($Line -match '^:\d+$') { continue }
        $Value, $Note = $Line -split "`t", 2
        $Text = $Flag + $Value
        if (-not $Text.StartsWith($Last)) { continue }
        if (-not $Note) { $Note = $Value }
        $Quoted = if ($Text -match '[\s''"`$(){}|&;<>@#,]') { "'" + ($Text -replace "'", "''") + "'" } else { $Text }
        [System.Management.Automation.CompletionResult]::new($Quoted, $Value, 'ParameterValue', $Note)
    }
}
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH, "powershell": POWERSHELL}

# What kubectl looks for and runs. A plugin that is gone has no completions, and says nothing about it.
FINDER = "kubectl_complete-oom"
MARK = "Completion of `kubectl oom` in kubectl, written by `kubectl oom completion install`"
FINDER_SCRIPT = f"""#!/bin/sh
# {MARK}.
command -v kubectl-oom >/dev/null 2>&1 || exit 0
exec kubectl-oom __complete "$@" 2>/dev/null
"""
FINDER_BATCH = f"@rem {MARK}.\r\n@kubectl-oom __complete %* 2>nul\r\n"
