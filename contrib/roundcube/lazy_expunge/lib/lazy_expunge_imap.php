<?php

/**
 * The few IMAP commands that Roundcube's own classes do not have, on the session that Roundcube has with the server.
 *
 * Folder names are as IMAP has them (UTF7-IMAP), unless said otherwise.
 */
class lazy_expunge_imap
{
    public rcube_imap $storage;
    private rcube_imap_generic $conn;
    /** Of the last command: the response code, such as NONEXISTENT, or "" */
    public string $code = '';
    /** Of the last command: what the server said. */
    public string $text = '';

    /**
     * @throws lazy_expunge_error when there is no session with the server
     */
    public function __construct(rcube_imap $storage)
    {
        if (!$storage->check_connection()) {
            throw new lazy_expunge_error('unavailable', [], 'no IMAP session: ' . $storage->get_error_str());
        }
        $this->storage = $storage;
        $this->conn    = $storage->conn;
    }

    /**
     * Run a command; returns whether the server said OK, and what it said before.
     *
     * @return array [bool, string]
     */
    public function run(string $command, array $arguments = []): array
    {
        [$status, $response] = $this->conn->execute($command, $arguments);
        $this->code = (string) $this->conn->resultcode;
        $this->text = (string) $this->conn->error;
        if ($status === rcube_imap_generic::ERROR_OK) {
            return [true, (string) $response];
        }
        if (!$this->conn->connected()) {
            throw new lazy_expunge_error('unavailable', [], "$command: the IMAP session ended: $this->text");
        }

        return [false, (string) $response];
    }

    /**
     * Make this the selected folder, with a fresh look at it.
     */
    public function select(string $folder): bool
    {
        if ($this->conn->selected === $folder) {
            return $this->run('NOOP')[0];
        }
        $done = $this->conn->select($folder);
        $this->code = $done ? '' : (string) $this->conn->resultcode;
        $this->text = $done ? '' : (string) $this->conn->error;
        if (!$done && !$this->conn->connected()) {
            throw new lazy_expunge_error('unavailable', [], "SELECT: the IMAP session ended: $this->text");
        }

        return $done;
    }

    /**
     * What SELECT told: UIDVALIDITY, EXISTS and so on; 0 when it did not.
     */
    public function told(string $what): int
    {
        return (int) ($this->conn->data[$what] ?? 0);
    }

    /**
     * UIDVALIDITY, MESSAGES, UIDNEXT of a folder, or null when it has no such.
     */
    public function status(string $folder): ?array
    {
        [$done, $response] = $this->run('STATUS', [rcube_imap_generic::escape($folder), '(UIDVALIDITY MESSAGES UIDNEXT)']);
        if (!$done || !preg_match_all('/\b(UIDVALIDITY|MESSAGES|UIDNEXT) (\d+)/', $response, $found)) {
            return null;
        }

        return array_map('intval', array_combine($found[1], $found[2]));
    }

    /**
     * FETCH these items of the selected folder; calls $each(UID, the rest of the line) for every mail.
     */
    public function fetch(string $uids, string $items, callable $each): bool
    {
        [$done, $response] = $this->run('UID FETCH', [$uids, "(UID $items)"]);
        // by hand: splitting 100,000 lines at once would take ten times the memory
        $length = strlen($response);
        for ($at = 0; $at < $length; $at = $end + 2) {
            $end  = strpos($response, "\r\n", $at);
            $end  = $end === false ? $length : $end;
            $line = substr($response, $at, $end - $at);
            $uid  = strpos($line, ' FETCH (UID ');
            if ($uid !== false) {
                $each((int) substr($line, $uid + 12, 10), $line);
            }
            elseif (preg_match('/^\* \d+ FETCH .*\) UID (\d+)/', $line, $match)) {
                $each((int) $match[1], $line);
            }
        }

        return $done;
    }

    /**
     * UIDs of the selected folder that meet these criteria, or null when the server does not search for them.
     */
    public function search(array $criteria): ?array
    {
        [$done, $response] = $this->run('UID SEARCH', $criteria);
        if (!$done) {
            return null;
        }

        return preg_match('/^\* SEARCH((?: \d+)+)/m', $response, $match) ? array_map('intval', explode(' ', trim($match[1]))) : [];
    }

    /**
     * MOVE or COPY from the selected folder; returns the set of UIDs there ("" when the server does not say), or null when it failed.
     */
    public function transfer(string $command, string $uids, string $target): ?string
    {
        unset($this->conn->data['COPYUID']);
        [$done] = $this->run("UID $command", [$uids, rcube_imap_generic::escape($target)]);
        $this->storage->clear_cache('mailboxes.counts', true);

        return $done ? (string) ($this->conn->data['COPYUID'][1] ?? '') : null;
    }

    /**
     * What the quota of a folder has room for: [bytes, messages], each null where nothing limits it.
     */
    public function room(string $folder): array
    {
        $room = [null, null];
        if (!$this->has('QUOTA')) {
            return $room;
        }
        [$done, $response] = $this->run('GETQUOTAROOT', [rcube_imap_generic::escape($folder)]);
        if ($done && preg_match_all('/\b(STORAGE|MESSAGE) (\d+) (\d+)/i', $response, $limits, PREG_SET_ORDER)) {
            foreach ($limits as [, $what, $used, $limit]) {
                $bytes = strtoupper($what) === 'STORAGE';
                $left  = max(0, ((int) $limit - (int) $used) * ($bytes ? 1024 : 1));
                $room[$bytes ? 0 : 1] = min($room[$bytes ? 0 : 1] ?? $left, $left);
            }
        }

        return $room;
    }

    public function has(string $capability): bool
    {
        return (bool) $this->conn->getCapability($capability);
    }

    public function separator(): string
    {
        return (string) $this->storage->get_hierarchy_delimiter();
    }

    /**
     * Folders by a pattern, as LIST answers it: their names.
     */
    public function list(string $pattern): array
    {
        $names = $this->conn->listMailboxes('', $pattern);

        return is_array($names) ? array_values(array_filter($names, fn ($name) => !$this->is_noselect($name))) : [];
    }

    public function subscribed(): array
    {
        $names = $this->conn->listSubscribed('', '*');

        return is_array($names) ? array_values($names) : [];
    }

    private function is_noselect(string $folder): bool
    {
        $attributes = array_map('strtolower', (array) ($this->conn->data['LIST'][$folder] ?? []));

        return (bool) array_intersect(['\\noselect', '\\nonexistent'], $attributes);
    }

    public static function to_imap(string $name): string
    {
        return rcube_charset::convert($name, 'UTF-8', 'UTF7-IMAP');
    }

    public static function to_utf8(string $folder): string
    {
        return rcube_charset::convert($folder, 'UTF7-IMAP', 'UTF-8');
    }

    /**
     * UIDs as IMAP writes a set, and back. A set that is none is an error.
     */
    public static function set(array $uids): string
    {
        sort($uids);
        $ranges = [];
        foreach ($uids as $uid) {
            $last = count($ranges) - 1;
            if ($last >= 0 && $ranges[$last][1] === $uid - 1) {
                $ranges[$last][1] = $uid;
            }
            else {
                $ranges[] = [$uid, $uid];
            }
        }

        return implode(',', array_map(fn ($range) => $range[0] === $range[1] ? $range[0] : "$range[0]:$range[1]", $ranges));
    }

    /**
     * @throws lazy_expunge_error
     */
    public static function uids(string $set, int $most): array
    {
        $uids = [];
        foreach (explode(',', $set) as $range) {
            if (!preg_match('/^([1-9]\d{0,9})(?::([1-9]\d{0,9}))?$/', $range, $match)) {
                throw new lazy_expunge_error('badrequest', [], 'not a set of UIDs: ' . substr($range, 0, 50));
            }
            $last = (int) ($match[2] ?? $match[1]);
            if ($last < (int) $match[1] || count($uids) + $last - (int) $match[1] >= $most) {
                throw new lazy_expunge_error('badrequest', [], "a set of more than $most UIDs: " . substr($range, 0, 50));
            }
            for ($uid = (int) $match[1]; $uid <= $last; $uid++) {
                $uids[$uid] = $uid;
            }
        }

        return array_values($uids);
    }
}
