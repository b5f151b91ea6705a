# Completion of ringfence for fish: ringfence completion fish > ~/.config/fish/completions/ringfence.fish
function __ringfence_complete
    set -l program (commandline -opc)[1]
    set -l line (commandline -cp)
    set -l found (env _RINGFENCE_COMPLETE=fish "_RINGFENCE_LINE=$line" $program 2>/dev/null </dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c ringfence -f -a '(__ringfence_complete)'
