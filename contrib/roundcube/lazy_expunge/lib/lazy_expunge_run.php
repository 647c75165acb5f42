<?php

/**
 * A restore over all its batches: how many mails it has taken, and what undo would take back.
 *
 * Each is an entry of its own in Roundcube's database: two tabs would overwrite each other's in the session. It is kept small.
 */
final class lazy_expunge_run
{
    private rcube_cache $cache;
    private string $id;
    public int $count = 0;
    /** {JSON of [folder, UIDVALIDITY, mailbox of the storage, origin]: set of UIDs} */
    public array $moved = [];
    /** Folders that were made, parents first. */
    public array $made = [];

    /**
     * @param rcube_cache $cache of the user, where an entry outlives the time in which somebody may think of undo
     */
    public function __construct(rcube_cache $cache, string $id)
    {
        if (!preg_match('/^[0-9a-z]{1,32}$/', $id)) {
            throw new lazy_expunge_error('badrequest', [], 'not the name of a restore');
        }
        $this->cache = $cache;
        $this->id    = $id;
        $state       = $cache->get($id);
        if (is_array($state)) {
            [$this->count, $this->moved, $this->made] = [$state['count'], $state['moved'], $state['made']];
        }
    }

    public function add(lazy_expunge_restore $restore, lazy_expunge_folders $folders): void
    {
        $this->count += $restore->result['restored'] + $restore->result['copied'];
        $this->made   = array_values(array_unique(array_merge($this->made, $folders->made)));
        $uids         = [];
        foreach ($restore->moved as $mail) {
            $uids[json_encode(array_slice($mail, 0, 4), JSON_UNESCAPED_UNICODE)][] = $mail[4];
        }
        foreach ($uids as $key => $more) {
            $set = lazy_expunge_imap::set($more);
            $this->moved[$key] = isset($this->moved[$key]) ? "{$this->moved[$key]},$set" : $set;
        }
    }

    public function save(): void
    {
        $this->cache->set($this->id, ['count' => $this->count, 'moved' => $this->moved, 'made' => $this->made]);
    }

    /**
     * Take up to $most mails off what can be undone: [[folder, UIDVALIDITY, mailbox of the storage, origin], UIDs], or null.
     */
    public function take(int $most): ?array
    {
        $key = array_key_first($this->moved);
        if ($key === null) {
            return null;
        }
        $uids = lazy_expunge_imap::uids($this->moved[$key], 100000000);
        $now  = array_splice($uids, 0, $most);
        if ($uids) {
            $this->moved[$key] = lazy_expunge_imap::set($uids);
        }
        else {
            unset($this->moved[$key]);
        }

        return [json_decode($key, true), $now];
    }
}
