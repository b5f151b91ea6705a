#compdef ringfence
# Completion of ringfence for zsh. In ~/.zshrc, behind compinit: eval "$(ringfence completion zsh)"; or as a file _ringfence in a
# folder of $fpath.
_ringfence() {
    local line tab=$'\t' program=${~words[1]}
    local -a found suffix
    while IFS= read -r line; do
        line=${line//:/\\:}
        found+=("${line/$tab/:}")
    done < <(_RINGFENCE_COMPLETE=zsh _RINGFENCE_LINE="${(j: :)words[1,CURRENT-1]} $PREFIX" $program 2>/dev/null </dev/null)
    if (( $#found )); then
        [[ $found[1] == *= ]] && suffix=(-S '')  # more follows
        _describe ringfence found "${suffix[@]}"
    else
        _files
    fi
}
if [[ $funcstack[1] == _ringfence ]]; then
    _ringfence "$@"
else
    compdef _ringfence ringfence
fi
