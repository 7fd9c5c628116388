# Completion of kubectl-oom for bash: source <(kubectl-oom completion bash)
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
