<?php

/**
 * Puts mails back, one batch a call: first the folder, then the mail. What does not go stays in the storage, and is counted.
 */
class lazy_expunge_restore
{
    private lazy_expunge_imap $imap;
    private lazy_expunge_storage $storage;
    private lazy_expunge_folders $folders;
    private bool $is_outside_quota;

    /** What became of the mails: numbers. */
    public array $result = [
        'restored' => 0,    // moved out of the storage
        'copied'   => 0,    // copied: the user may not move
        'there'    => 0,    // in the folder already
        'gone'     => 0,    // not in the storage any more
        'quota'    => 0,    // no room
        'homeless' => 0,    // nobody knows where from, and no folder was chosen
        'old'      => 0,    // older than the administrator allows
        'failed'   => 0,
    ];
    /** {folder: how many were restored or copied there} */
    public array $targets = [];
    /** What undo can take back, each [folder, its UIDVALIDITY, mailbox of the storage, origin, UID in the folder] */
    public array $moved = [];
    /** Reasons of what failed, as the server gave them. */
    public array $reasons = [];

    /**
     * @param bool $is_outside_quota the storage does not count in the quota, so that what comes out of it does
     */
    public function __construct(lazy_expunge_imap $imap, lazy_expunge_storage $storage, lazy_expunge_folders $folders, bool $is_outside_quota)
    {
        $this->imap             = $imap;
        $this->storage          = $storage;
        $this->folders          = $folders;
        $this->is_outside_quota = $is_outside_quota;
    }

    /**
     * @param string $folder the mailbox of the storage
     * @param int[]  $uids   of mails in it
     * @param string $target where to, "" for where each came from
     * @param int    $oldest mails deleted before this time are left alone
     */
    public function batch(string $folder, array $uids, string $target, int $oldest): void
    {
        $this->storage->open($folder);
        $facts = $this->storage->facts($folder, lazy_expunge_imap::set($uids));
        $this->result['gone'] += count($uids) - count($facts);
        $parts = [];
        foreach ($facts as $uid => [$deleted, $origin, $guid, $now]) {
            if ($oldest > 0 && $deleted < $oldest) {
                $this->result['old']++;
            }
            elseif ($target === '' && $origin === null) {
                $this->result['homeless']++;
            }
            else {
                $parts[$target === '' ? "$origin\0$now" : ''][$uid] = [$deleted, $guid, $origin, $now];
            }
        }
        foreach ($parts as $mails) {
            $this->part($folder, $target, $mails);
        }
    }

    /**
     * @param array $mails {UID: [time of deletion, GUID, origin, its name now]}, without a target all of one origin and one name
     */
    private function part(string $folder, string $target, array $mails): void
    {
        try {
            if ($target === '') {
                [, , $origin, $now] = reset($mails);
                $target = $this->folders->of_origin($origin, max(array_column($mails, 0)), $now);
            }
        }
        catch (lazy_expunge_error $error) {
            $this->result['failed'] += count($mails);
            $this->reasons[$error->log ?: $error->getMessage()] = true;
            return;
        }
        if (!$this->imap->select($target)) {
            $this->failed(count($mails));
            return;
        }
        $validity = $this->imap->told('UIDVALIDITY');
        $there    = $this->imap->told('EXISTS') > 0 ? $this->already_there(array_column($mails, 1)) : [];
        $missing  = [];
        foreach ($mails as $uid => $mail) {
            if ($mail[1] === '' || !isset($there[$mail[1]])) {
                $missing[$uid] = $mail;
                // the storage may have it twice
                $there[$mail[1]] = $uid;
            }
        }
        $this->result['there'] += count($mails) - count($missing);
        if ($missing) {
            $this->storage->open($folder);
            $this->transfer($this->that_fit($missing, $target), $folder, $target, $validity);
        }
    }

    /**
     * Which of these GUIDs mails in the selected folder have: {GUID: UID}.
     */
    private function already_there(array $guids): array
    {
        $guids    = array_values(array_filter($guids, 'strlen'));
        $criteria = '';
        foreach ($guids as $i => $guid) {
            $criteria .= ($i < count($guids) - 1 ? 'OR ' : '') . 'X-GUID ' . rcube_imap_generic::escape($guid, true) . ' ';
        }
        $there = [];
        $uids  = $guids ? $this->imap->search([rtrim($criteria)]) : [];
        if ($uids) {
            $this->imap->fetch(lazy_expunge_imap::set($uids), 'X-GUID', function ($uid, $line) use (&$there) {
                $there[preg_match('/X-GUID "?([^\s")]+)/', $line, $match) ? $match[1] : ''] = $uid;
            });
        }

        return $there;
    }

    /**
     * Those of the selected mailbox's mails that the target's quota has room for. Dovecot does not look at it when mail is moved within
     * one quota root, although what comes out of a storage that does not count makes the root grow.
     */
    private function that_fit(array $mails, string $target): array
    {
        [$bytes, $messages] = $this->is_outside_quota ? $this->imap->room($target) : [null, null];
        if ($bytes === null && $messages === null) {
            return $mails;
        }
        $sizes = [];
        $this->imap->fetch(lazy_expunge_imap::set(array_keys($mails)), 'RFC822.SIZE', function ($uid, $line) use (&$sizes) {
            $sizes[$uid] = preg_match('/RFC822\.SIZE (\d+)/', $line, $match) ? (int) $match[1] : 0;
        });
        $fit = [];
        foreach ($mails as $uid => $mail) {
            $size = $sizes[$uid] ?? 0;
            if (($bytes !== null && $size > $bytes) || $messages === 0) {
                $this->result['quota']++;
                continue;
            }
            $fit[$uid] = $mail;
            $bytes     = $bytes === null ? null : $bytes - $size;
            $messages  = $messages === null ? null : $messages - 1;
        }

        return $fit;
    }

    /**
     * Move mails from the selected mailbox. Where they do not fit all together, halves are tried until what fits is there.
     */
    private function transfer(array $mails, string $folder, string $target, int $validity): void
    {
        if (!$mails) {
            return;
        }
        $uids   = array_keys($mails);
        $copied = false;
        $there  = $this->imap->transfer('MOVE', lazy_expunge_imap::set($uids), $target);
        if ($there === null && $this->imap->code === 'NOPERM') {
            $copied = true;
            $there  = $this->imap->transfer('COPY', lazy_expunge_imap::set($uids), $target);
        }
        if ($there !== null) {
            $this->done($mails, $folder, $target, $validity, $there, $copied);
        }
        elseif ($this->imap->code === 'EXPUNGEISSUED' && ($left = $this->still_there($mails)) != $mails) {
            $this->result['gone'] += count($mails) - count($left);
            $this->transfer($left, $folder, $target, $validity);
        }
        elseif ($this->imap->code !== 'OVERQUOTA') {
            $this->failed(count($mails));
        }
        elseif (count($mails) === 1) {
            $this->result['quota']++;
        }
        else {
            foreach (array_chunk($mails, intdiv(count($mails) + 1, 2), true) as $half) {
                $this->transfer($half, $folder, $target, $validity);
            }
        }
    }

    /**
     * Those of the selected mailbox's mails that no other session has taken meanwhile.
     */
    private function still_there(array $mails): array
    {
        $there  = [];
        $reason = $this->imap->text;
        $this->imap->run('NOOP');
        $this->imap->fetch(lazy_expunge_imap::set(array_keys($mails)), 'FLAGS', function ($uid) use (&$there) {
            $there[$uid] = true;
        });
        $this->imap->text = $reason;

        return array_intersect_key($mails, $there);
    }

    private function done(array $mails, string $folder, string $target, int $validity, string $there, bool $copied): void
    {
        $this->result[$copied ? 'copied' : 'restored'] += count($mails);
        $this->targets[$target] = ($this->targets[$target] ?? 0) + count($mails);
        if ($there === '' || $copied) {
            return;
        }
        // both sides of a COPYUID are in one order
        $uids = lazy_expunge_imap::uids($there, count($mails));
        foreach (array_values($mails) as $i => [, , $origin, $now]) {
            if (isset($uids[$i]) && $origin !== null) {
                $this->moved[] = [$target, $validity, $folder, $now ?? $origin, $uids[$i]];
            }
        }
    }

    private function failed(int $count): void
    {
        $this->result['failed'] += $count;
        $this->reasons[$this->imap->text] = true;
    }
}
