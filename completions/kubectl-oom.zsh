#compdef kubectl-oom
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
