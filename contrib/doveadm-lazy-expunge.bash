# bash completion for doveadm lazy-expunge. It takes the place of no other
# completion of doveadm: where there is one, that is asked for all the rest.

_doveadm_lazy_expunge_other=$(complete -p doveadm 2>/dev/null | sed -n 's/.*-F \([^ ]*\).*/\1/p')

_doveadm_lazy_expunge() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= word i
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == lazy-expunge ]]; then
            command=${COMP_WORDS[i+1]}
            break
        fi
    done
    COMPREPLY=()
    if ((i >= COMP_CWORD)); then
        if [[ -n $_doveadm_lazy_expunge_other && $_doveadm_lazy_expunge_other != _doveadm_lazy_expunge ]]; then
            "$_doveadm_lazy_expunge_other" "$@"
        fi
        [[ $prev == -f ]] && COMPREPLY=($(compgen -W "flow json pager tab table" -- "$cur"))
        # the name of the command: after doveadm's own options alone
        for ((i = 1; i < COMP_CWORD; i++)); do
            case ${COMP_WORDS[i]} in
            -[cfiko]) ((++i)) ;;
            -*) ;;
            *) return ;;
            esac
        done
        ((i == COMP_CWORD)) && COMPREPLY+=($(compgen -W lazy-expunge -- "$cur"))
        return
    fi
    if ((i + 1 == COMP_CWORD)); then
        COMPREPLY=($(compgen -W "account check deletions erase export hold holds import list maintain release restore status verify" -- "$cur"))
        return
    fi
    if [ "$command" = account ]; then
        if ((i + 2 == COMP_CWORD)); then
            COMPREPLY=($(compgen -W "delete list purge rename undelete" -- "$cur"))
            return
        fi
        case $prev in
        -p | --parent) COMPREPLY=($(compgen -d -- "$cur")); return ;;
        -u | --user | -k | --keep | -b | --by | -t | --target | -m | --mailbox) return ;;
        esac
        case ${COMP_WORDS[i+2]} in
        delete) word="-u --user -k --keep -y --own -b --by" ;;
        list) word="-u --user -A --all-users -p --parent -c --count" ;;
        purge) word="-n --plan -b --by" ;;
        rename) word="-u --user -n --plan -y --own -b --by" ;;
        undelete) word="-n --plan -t --target -m --mailbox -y --own -b --by" ;;
        esac
        COMPREPLY=($(compgen -W "-h $word" -- "$cur"))
        return
    fi
    case $prev in
    -F | -S | -w | --write) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    -s | --sort)
        if [ "$command" = status ]; then
            COMPREPLY=($(compgen -W "messages bytes oldest" -- "$cur"))
            return
        fi ;;
    esac
    if [ "$command" = verify ]; then
        COMPREPLY=($(compgen -f -- "$cur"))
        return
    fi
    case $prev in
    -u | -o | --origin | -d | --deletion | -U | --undo | -t | --target | -l | --limit | -s | --since | -e | --until | -j | --jobs | -m | --make-room | -N | --name | -c | --columns | -r | --reason | -b | --by | -g | --grace) return ;;
    esac
    case $command in
    check) word="-L --live -q --quiet" ;;
    erase) word="-n --plan -w --write -b --by" ;;
    export) word="-w --write -a --all -b --by" ;;
    hold) word="-N --name -r --reason -e --until -b --by" ;;
    holds) word="-c --catalog" ;;
    import) word="-t --target" ;;
    deletions) word="-l --limit" ;;
    list) word="-l --limit -v --all-columns -c --columns" ;;
    maintain) word="-n --plan -D --due -M --max-age -j --jobs -m --make-room" ;;
    release) word="-N --name -g --grace -b --by" ;;
    restore) word="-n --plan -I --ignore-acls -t --target -U --undo ALL" ;;
    status) word="-v --by-origin -c --catalog -s --sort -l --limit" ;;
    esac
    case $command in
    deletions | export | list | restore) word+=" -d --deletion -o --origin -R --recursive -s --since -e --until" ;;
    esac
    case $command in
    deletions | erase | export | hold | list | restore)
        word+=" answered bcc before body cc deleted draft flagged from guid header keyword larger new not old on or savedbefore savedon savedsince seen since smaller subject text to uid unanswered undeleted unflagged unseen" ;;
    esac
    COMPREPLY=($(compgen -W "-u -A -F -S -h $word" -- "$cur"))
    [ "$command" = import ] && COMPREPLY+=($(compgen -f -- "$cur"))
    return 0
}

complete -F _doveadm_lazy_expunge doveadm
