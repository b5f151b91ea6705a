# Completion of ringfence for bash. In ~/.bashrc: eval "$(ringfence completion bash)"
_ringfence() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(_RINGFENCE_COMPLETE=bash _RINGFENCE_LINE="${COMP_LINE:0:COMP_POINT}" _RINGFENCE_WORD="$2" "$1" 2>/dev/null </dev/null)
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null  # bash 4 and later
    return 0
}
complete -o default -F _ringfence ringfence
