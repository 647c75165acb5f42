<?php

/**
 * What the page shows of deletions and mails, as data without any markup: the browser puts all of it in as text.
 */
class lazy_expunge_view
{
    /** Mails of a deletion that are shown at once; the rest is a click away. */
    public const ROWS = 5;
    private const WHERE = ['all' => ['SUBJECT', 'FROM', 'TO', 'CC'], 'subject' => ['SUBJECT'], 'sender' => ['FROM'],
        'recipient' => ['TO', 'CC'], 'text' => ['TEXT']];

    private rcmail $rcmail;
    private lazy_expunge $plugin;
    private lazy_expunge_imap $imap;
    private lazy_expunge_storage $storage;
    private lazy_expunge_limits $limits;

    public function __construct(lazy_expunge $plugin, lazy_expunge_imap $imap, lazy_expunge_storage $storage, lazy_expunge_limits $limits)
    {
        $this->rcmail  = rcmail::get_instance();
        $this->plugin  = $plugin;
        $this->imap    = $imap;
        $this->storage = $storage;
        $this->limits  = $limits;
    }

    /**
     * All mails that this request asks for, newest first; with what it does not: older than allowed, how many each origin has, and whether
     * there may be more that the server does not list.
     *
     * @return array [lazy_expunge_index, {old, origins, all, partial}]
     */
    public function find(): array
    {
        $index   = new lazy_expunge_index();
        $folders = $this->storage->mailboxes();
        $this->storage->read($folders, $index);
        $about = ['old' => $this->limits->oldest() ? $index->filter(['since' => $this->limits->oldest()]) : 0, 'all' => $index->count()];
        $about['partial'] = $this->storage->is_partial;
        $about['origins'] = array_map(fn ($origin) => ['name' => $origin[0], 'label' => $this->folder($origin[0]), 'count' => $origin[1]],
            $index->origins());
        $index->filter([
            'origin' => $this->wanted_origin(),
            'since'  => $this->day('_since', 0),
            'until'  => $this->day('_until', 1),
            'found'  => $this->found($folders),
        ]);
        $index->sort();

        return [$index, $about];
    }

    /**
     * A page of deletions.
     */
    public function page(int $page): array
    {
        [$index, $about] = $this->find();
        $groups = $index->groups($this->limits->gap);
        $pages  = max(1, (int) ceil(count($groups) / $this->limits->page_size));
        $page   = min(max(1, $page), $pages);
        $shown  = array_slice($groups, ($page - 1) * $this->limits->page_size, $this->limits->page_size);

        return $about + ['page' => $page, 'pages' => $pages, 'deletions' => count($groups), 'found' => $index->count(),
            'groups' => $this->with_rows(array_map([$this, 'group'], $shown)), 'validity' => $this->validity($shown)];
    }

    /**
     * Rows of these mails; what is gone, or older than allowed, is left out.
     */
    public function rows(string $folder, array $uids): array
    {
        $this->storage->open($folder);
        $facts   = $this->storage->facts($folder, lazy_expunge_imap::set($uids));
        $oldest  = $this->limits->oldest();
        $facts   = array_filter($facts, fn ($fact) => $fact[0] >= $oldest);
        $headers = $facts ? $this->imap->storage->conn->fetchHeaders($folder, lazy_expunge_imap::set(array_keys($facts)), true) : [];
        $rows    = [];
        foreach ($headers ?: [] as $header) {
            if (isset($facts[$header->uid])) {
                $rows[$header->uid] = $this->row($header, ...$facts[$header->uid]);
            }
        }

        return array_values(array_filter(array_map(fn ($uid) => $rows[$uid] ?? null, $uids)));
    }

    public function folder(?string $origin): string
    {
        if ($origin === null) {
            return $this->plugin->gettext('unknownfolder');
        }

        return self::label($this->imap->storage, lazy_expunge_imap::to_imap($origin));
    }

    /**
     * A folder's name as Roundcube's folder list has it: in the user's language, without the namespace's prefix.
     */
    public static function label(rcube_imap $storage, string $folder): string
    {
        $prefix = (string) $storage->get_namespace('prefix');
        if ($prefix !== '' && strncmp($folder, $prefix, strlen($prefix)) === 0) {
            $folder = substr($folder, strlen($prefix));
        }

        return rcmail_action::localize_foldername($folder, true);
    }

    private function group(array $group): array
    {
        $count = count($group['mails']);
        $uids  = array_column($group['mails'], 1);

        return [
            'mailbox' => $group['mails'][0][0],
            'uids'    => $count > self::ROWS ? lazy_expunge_imap::set($uids) : '',
            'first'   => array_slice($uids, 0, self::ROWS),
            'count'   => $count,
            'known'   => $group['origin'] !== null,
            'title'   => $this->plugin->gettext(['name' => $count === 1 ? 'deletion' : 'deletions', 'vars' => [
                'when' => $this->plugin->isolated($this->time($group['last'])), 'count' => $count,
                'folder' => $this->plugin->isolated($this->folder($group['origin']))]]),
        ];
    }

    private function with_rows(array $groups): array
    {
        $wanted = $rows = [];
        foreach ($groups as $group) {
            $wanted[$group['mailbox']] = array_merge($wanted[$group['mailbox']] ?? [], $group['first']);
        }
        foreach ($wanted as $folder => $uids) {
            foreach ($this->rows((string) $folder, $uids) as $row) {
                $rows[$folder][$row['uid']] = $row;
            }
        }
        foreach ($groups as &$group) {
            $group['rows'] = array_values(array_filter(array_map(fn ($uid) => $rows[$group['mailbox']][$uid] ?? null, $group['first'])));
        }

        return $groups;
    }

    private function validity(array $groups): array
    {
        $validity = [];
        foreach ($groups as $group) {
            $validity[$group['mails'][0][0]] ??= $this->imap->status($group['mails'][0][0])['UIDVALIDITY'] ?? 0;
        }

        return $validity;
    }

    private function row(rcube_message_header $header, int $deleted, ?string $origin, string $guid, ?string $now): array
    {
        $sent      = $origin !== null && lazy_expunge_imap::to_imap($origin) === ($this->special()['sent'] ?? null);
        $addresses = rcube_mime::decode_address_list($sent ? $header->to : $header->from, null, true, $header->charset);
        $who       = array_map(fn ($address) => $address['name'] ?: $address['mailto'], $addresses);
        $subject   = trim(rcube_mime::decode_header((string) $header->subject, $header->charset));

        return [
            'uid'     => (int) $header->uid,
            'who'     => $this->plugin->gettext($sent ? 'to' : 'from') . ' ' . implode(', ', $who),
            'subject' => $subject !== '' ? $subject : $this->rcmail->gettext('nosubject'),
            'folder'  => $now === null ? $this->folder($origin) : $this->plugin->gettext(['name' => 'renamed', 'vars' => [
                'folder' => $this->plugin->isolated($this->folder($origin)), 'now' => $this->plugin->isolated($this->folder($now))]]),
            'when'    => $this->time($deleted),
            'until'   => $this->limits->keep_days && $deleted
                ? $this->rcmail->format_date($deleted + $this->limits->keep_days * 86400, $this->rcmail->config->get('date_format', 'Y-m-d')) : '',
            'unseen'  => empty($header->flags['SEEN']),
            'known'   => $origin !== null,
        ];
    }

    private function special(): array
    {
        return $this->imap->storage->get_special_folders();
    }

    private function time(int $when): string
    {
        return $when ? $this->rcmail->format_date($when) : $this->plugin->gettext('unknowntime');
    }

    /**
     * @return string|false|null a name, "not known", or all
     */
    private function wanted_origin()
    {
        $origin = json_decode(rcube_utils::get_input_string('_origin', rcube_utils::INPUT_GET, true) ?: '[]', true);
        if (!is_array($origin) || !array_key_exists(0, $origin)) {
            return null;
        }

        return is_string($origin[0]) ? $origin[0] : false;
    }

    /**
     * The beginning of a day in the user's zone, days later, as Unix time; null when none is asked for.
     */
    private function day(string $name, int $later): ?int
    {
        $text = rcube_utils::get_input_string($name, rcube_utils::INPUT_GET);
        if ($text === '') {
            return null;
        }
        $zone = new DateTimeZone($this->rcmail->config->get('timezone') ?: 'UTC');
        $day  = DateTime::createFromFormat('!Y-m-d', $text, $zone);
        if (!$day || $day->format('Y-m-d') !== $text) {
            throw new lazy_expunge_error('badday', ['day' => $text]);
        }

        return (int) $day->modify("+$later days")->format('U');
    }

    /**
     * {mailbox: {UID: true}} of what the server finds; null when no text is asked for.
     */
    private function found(array $folders): ?array
    {
        $text = trim(rcube_utils::get_input_string('_text', rcube_utils::INPUT_GET, true));
        if ($text === '') {
            return null;
        }
        $keys     = self::WHERE[rcube_utils::get_input_string('_where', rcube_utils::INPUT_GET)] ?? self::WHERE['all'];
        $criteria = array_merge(['CHARSET', 'UTF-8'], array_fill(0, count($keys) - 1, 'OR'));
        foreach ($keys as $key) {
            array_push($criteria, $key, rcube_imap_generic::escape($text));
        }
        $found = [];
        foreach ($folders as $folder) {
            $this->storage->open($folder);
            $uids = $this->imap->search($criteria);
            if ($uids === null) {
                throw new lazy_expunge_error('nosearch', [], $this->imap->text);
            }
            $found[$folder] = array_fill_keys($uids, true);
        }

        return $found;
    }
}
