# bash completion for guestdma; works without the bash-completion package.
# shellcheck shell=bash
_guestdma() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i
  local commands='run compare sweep check fidelity validate bench list describe init help'
  local options='--set --strategy --seed --out --force --trace --trace-limit -j --format --quiet --progress --timeout --no-plots --frames --baseline --policy --allow-config --update-baseline --junit --axis --search --highest --lowest --crossover --seeds --dry-run --run-index --list-commands --slurm --slurm-args --collect --resume --version --help'
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -*) ;;
      *)
        command=${COMP_WORDS[i]}
        break
        ;;
    esac
  done

  # The last element of a list that is separated by commas.
  local head=''
  case $before in
    --strategy | --trace)
      case $word in *,*) head=${word%,*}, ;; esac
      ;;
  esac
  case $before in
    --strategy) mapfile -t COMPREPLY < <(compgen -P "$head" -W "$("${COMP_WORDS[0]}" list strategies --format csv 2>/dev/null | sed '1d; s/,.*//')" -- "${word##*,}"); return ;;
    --trace) mapfile -t COMPREPLY < <(compgen -P "$head" -W 'perfetto vcd csv pcap' -- "${word##*,}"); return ;;
    --format) mapfile -t COMPREPLY < <(compgen -W 'text json csv markdown' -- "$word"); return ;;
    --progress) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$word"); return ;;
    --baseline | --policy | --junit) mapfile -t COMPREPLY < <(compgen -f -- "$word"); compopt -o filenames; return ;;
    --out) mapfile -t COMPREPLY < <(compgen -d -- "$word"); compopt -o filenames; return ;;
    --trace-limit | --set | --axis | --slurm-args | --search | --highest | --lowest | --crossover | --seeds | --run-index | --seed | --timeout | --frames | -j) return ;;
  esac
  case $word in -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word"); return ;; esac

  case $command in
    '') mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word") ;;
    help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word") ;;
    list) mapfile -t COMPREPLY < <(compgen -W 'strategies scenarios metrics costs keys' -- "$word") ;;
    describe) mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" list strategies --format csv 2>/dev/null | sed '1d; s/,.*//')" -- "$word") ;;
    *)
      mapfile -t COMPREPLY < <(compgen -f -X '!*.json' -- "$word"; compgen -d -- "$word")
      compopt -o filenames
      ;;
  esac
}
complete -F _guestdma guestdma
