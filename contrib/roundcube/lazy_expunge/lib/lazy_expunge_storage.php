<?php

/**
 * The user's expunge storage: one mailbox, or with a separator at the end of its name all mailboxes of a namespace.
 *
 * It may be hidden, so it is opened by its name and not looked for in a list.
 */
class lazy_expunge_storage
{
    private lazy_expunge_imap $imap;
    /** The setting, with IMAP's spelling of names. */
    private string $name;
    private bool $is_namespace;
    /** Folders that are known to the user's session, for a hidden namespace: names in UTF-8. */
    private array $known;
    /** The server does not list the storage's mailboxes: there may be others than mailboxes() has found. */
    public bool $is_partial = false;

    public function __construct(lazy_expunge_imap $imap, string $setting, array $known = [])
    {
        $this->imap         = $imap;
        $this->name         = lazy_expunge_imap::to_imap($setting);
        $this->is_namespace = strlen($setting) > 1 && in_array(substr($setting, -1), ['/', '.'], true);
        $this->known        = $known;
    }

    public function is_namespace(): bool
    {
        return $this->is_namespace;
    }

    /**
     * Whether this folder is a mailbox of the storage. Everything that is to be done to one is asked here first.
     */
    public function has(string $folder): bool
    {
        if (!$this->is_namespace) {
            return in_array($folder, $this->candidates(), true);
        }

        return strlen($folder) > strlen($this->name) && strncmp($folder, $this->name, strlen($this->name)) === 0;
    }

    /**
     * The mailboxes of the storage that can be opened.
     *
     * @throws lazy_expunge_error when there is none, or the user may not open it
     */
    public function mailboxes(): array
    {
        return $this->is_namespace ? $this->mailboxes_below() : [$this->mailbox()];
    }

    /**
     * Select a mailbox of the storage.
     *
     * @throws lazy_expunge_error
     */
    public function open(string $folder): void
    {
        if (!$this->has($folder)) {
            throw new lazy_expunge_error('badrequest', [], 'not a mailbox of the storage: ' . substr($folder, 0, 100));
        }
        if (!$this->imap->select($folder)) {
            throw $this->failure();
        }
    }

    /**
     * Where mail that is deleted from this folder goes, if what was deleted from another went to this mailbox of the storage.
     */
    public function mailbox_for(string $folder, string $mailbox): string
    {
        return $this->is_namespace ? $this->below(lazy_expunge_imap::to_utf8($folder)) : $mailbox;
    }

    /**
     * Add what is in these mailboxes to an index.
     */
    public function read(array $folders, lazy_expunge_index $index): void
    {
        $item  = $this->imap->has('SAVEDATE') ? 'SAVEDATE' : 'X-SAVEDATE';
        // most mails share their flags and their second with others: each text is looked at once
        $times = $origins = [];
        foreach ($folders as $folder) {
            $this->open($folder);
            if ($this->imap->told('EXISTS') === 0) {
                continue;
            }
            $named = $this->origin_of($folder);
            $done  = $this->imap->fetch('1:*', "FLAGS $item", function ($uid, $line) use ($index, $folder, $named, &$times, &$origins) {
                $at    = strpos($line, 'FLAGS (');
                $flags = $at === false ? '' : substr($line, $at, strcspn($line, ')', $at));
                $at    = strpos($line, 'SAVEDATE "');
                $when  = $at === false ? '' : substr($line, $at + 10, 26);
                $times[$when] ??= $when === '' ? 0 : (int) strtotime($when);
                if (!array_key_exists($flags, $origins)) {
                    $origins[$flags] = lazy_expunge_origin::from_flags(substr($flags, 7));
                }
                $index->add($folder, $uid, $times[$when], $origins[$flags] ?? $named);
            });
            if (!$done) {
                throw $this->failure();
            }
        }
    }

    /**
     * Of these mails of the storage's selected mailbox: {UID: [time of deletion, origin or null, GUID or "", name now of an origin that was
     * renamed or null]}. What is gone is not in it.
     */
    public function facts(string $folder, string $uids): array
    {
        $item  = $this->imap->has('SAVEDATE') ? 'SAVEDATE' : 'X-SAVEDATE';
        $named = $this->origin_of($folder);
        $facts = [];
        $done  = $this->imap->fetch($uids, "FLAGS $item X-GUID", function ($uid, $line) use ($named, &$facts) {
            $when = preg_match('/SAVEDATE "([^"]+)"/', $line, $match) ? (int) strtotime($match[1]) : 0;
            $guid = preg_match('/X-GUID "?([^\s")]+)/', $line, $match) ? $match[1] : '';
            $flags = preg_match('/FLAGS \(([^)]*)\)/', $line, $match) ? $match[1] : '';
            $facts[$uid] = [$when, lazy_expunge_origin::from_flags($flags) ?? $named, $guid,
                lazy_expunge_origin::from_flags($flags, lazy_expunge_origin::NOW)];
        });
        if (!$done) {
            throw $this->failure();
        }

        return $facts;
    }

    /**
     * What the server said no to, in words.
     */
    public function failure(): lazy_expunge_error
    {
        $log = "the storage cannot be opened: {$this->imap->code} {$this->imap->text}";
        if ($this->imap->code === 'NOPERM' || stripos($this->imap->text, 'permission') !== false) {
            return new lazy_expunge_error('noright', [], $log);
        }

        return new lazy_expunge_error('nostorage', [], $log);
    }

    /**
     * In namespace mode the origin (UTF-8) that a mailbox's name tells, for mail that has none of its own: what came through a Trash has.
     */
    private function origin_of(string $folder): ?string
    {
        if (!$this->is_namespace) {
            return null;
        }
        $below     = lazy_expunge_imap::to_utf8(substr($folder, strlen($this->name)));
        $separator = $this->imap->separator();
        $origin    = lazy_expunge_origin::from_storage_name($below, $separator, substr($this->name, -1));

        return strcasecmp($origin, 'INBOX') === 0 ? 'INBOX' : $this->prefix() . $origin;
    }

    /**
     * The personal namespace's prefix (UTF-8), which is no part of a mailbox's name in the storage.
     */
    private function prefix(): string
    {
        return lazy_expunge_imap::to_utf8((string) $this->imap->storage->get_namespace('prefix'));
    }

    private function candidates(): array
    {
        $prefix = (string) $this->imap->storage->get_namespace('prefix');

        return array_unique([$this->name, $prefix . $this->name]);
    }

    private function mailbox(): string
    {
        $failure = null;
        foreach ($this->candidates() as $name) {
            if ($this->imap->select($name)) {
                return $name;
            }
            $now     = $this->failure();
            $failure = $failure && $failure->getMessage() === 'noright' ? $failure : $now;
        }
        throw $failure;
    }

    /**
     * By a list where the server gives one. Where it hides them, the folders that there are, were subscribed or were seen once.
     */
    private function mailboxes_below(): array
    {
        $found = $this->imap->list($this->name . '*');
        if ($found) {
            return array_values(array_filter($found, fn ($folder) => $this->has($folder)));
        }
        $this->is_partial = true;
        $denied = null;
        foreach ($this->names_to_try() as $name) {
            if ($this->imap->status($name) !== null) {
                $found[] = $name;
            }
            elseif ($this->imap->code === 'NOPERM') {
                $denied = $this->failure();
            }
        }
        if (!$found) {
            throw $denied ?? new lazy_expunge_error('nostorage', [], "no mailbox below $this->name");
        }

        return $found;
    }

    private function names_to_try(): array
    {
        $mine  = array_merge($this->imap->list('*'), $this->imap->subscribed());
        $names = array_merge(['INBOX'], array_map(['lazy_expunge_imap', 'to_utf8'], $mine), $this->known);

        return array_unique(array_map([$this, 'below'], $names));
    }

    /**
     * The mailbox of a storage that is a namespace, for the name of a folder (UTF-8).
     */
    private function below(string $name): string
    {
        $prefix = $this->prefix();
        $name   = $prefix !== '' && strncmp($name, $prefix, strlen($prefix)) === 0 ? substr($name, strlen($prefix)) : $name;
        $name   = lazy_expunge_origin::to_storage_name($name, $this->imap->separator(), substr($this->name, -1));

        return $this->name . lazy_expunge_imap::to_imap($name);
    }
}
