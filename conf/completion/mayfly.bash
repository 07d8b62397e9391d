# Completion of mayfly's commands and options, from what `--help` says of them.
_mayfly() {
  local current=${COMP_WORDS[COMP_CWORD]} words=() word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && break
    words+=("$word")
  done
  local help choices
  help=$(mayfly "${words[@]}" --help 2>/dev/null) || return
  if [[ $current == -* ]]; then
    choices=$(grep -oE -- '--[a-z][a-z-]*' <<<"$help" | sort -u)
  else
    choices=$(awk '/^Subcommands:/ {on = 1; next} on && /^  [a-z]/ {print $1}' <<<"$help")
  fi
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
  # Neither: the option takes a file.
  ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "$current")
}
complete -o filenames -F _mayfly mayfly
