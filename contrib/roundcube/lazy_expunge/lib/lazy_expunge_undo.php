<?php

/**
 * Takes a restore back: the mail is deleted again, from the folder that the server has kept it from before.
 *
 * From another folder it goes back there first, for only of that one it is known that its mail is kept. The first mail of each
 * batch goes alone, and is put back if it does not arrive in the storage.
 */
class lazy_expunge_undo
{
    private lazy_expunge_imap $imap;
    private lazy_expunge_storage $storage;
    private lazy_expunge_folders $folders;
    /** What became of the mails: numbers. */
    public array $result = ['deleted' => 0, 'gone' => 0, 'failed' => 0];

    public function __construct(lazy_expunge_imap $imap, lazy_expunge_storage $storage, lazy_expunge_folders $folders)
    {
        $this->imap    = $imap;
        $this->storage = $storage;
        $this->folders = $folders;
    }

    /**
     * @param array $from [folder, UIDVALIDITY, mailbox of the storage, origin]
     * @param int[] $uids in the folder
     */
    public function batch(array $from, array $uids): void
    {
        [$folder, $validity, $storage, $origin] = $from;
        if (!$this->imap->select($folder) || $this->imap->told('UIDVALIDITY') !== $validity) {
            $this->result['gone'] += count($uids);
            return;
        }
        $here = $this->living($uids);
        $this->result['gone'] += count($uids) - count($here);
        if (!$here) {
            return;
        }
        $home = $this->folders->of_origin($origin, 0);
        if ($home !== $folder) {
            $there = $this->imap->transfer('MOVE', lazy_expunge_imap::set($here), $home);
            if (!$there || !$this->imap->select($home)) {
                $this->result['failed'] += count($here);
                return;
            }
            $here = lazy_expunge_imap::uids($there, count($here));
        }
        $first = array_shift($here);
        if (!$this->delete_watched($home, $first, $this->storage->mailbox_for($home, $storage))) {
            $this->result['failed'] += count($here) + 1;
            return;
        }
        $this->result['deleted']++;
        if ($here) {
            $this->result[$this->delete($here) ? 'deleted' : 'failed'] += count($here);
        }
    }

    /**
     * Remove folders that the restore made, as far as they are empty.
     */
    public function remove_folders(array $made): void
    {
        foreach (array_reverse($made) as $folder) {
            $children = $this->imap->list($folder . $this->imap->separator() . '%');
            if (!$children && ($this->imap->status($folder)['MESSAGES'] ?? 1) === 0) {
                $this->imap->storage->delete_folder($folder);
            }
        }
    }

    private function living(array $uids): array
    {
        $here = [];
        $this->imap->fetch(lazy_expunge_imap::set($uids), 'FLAGS', function ($uid) use (&$here) {
            $here[] = $uid;
        });

        return $here;
    }

    private function delete(array $uids): bool
    {
        $set = lazy_expunge_imap::set($uids);

        return $this->imap->run('UID STORE', [$set, '+FLAGS.SILENT', '(\\Deleted)'])[0]
            && $this->imap->run('UID EXPUNGE', [$set])[0]
            && !$this->living($uids);
    }

    private function delete_watched(string $folder, int $uid, string $storage): bool
    {
        $imap   = $this->imap->storage;
        $before = $this->imap->status($storage)['UIDNEXT'] ?? 0;
        $imap->set_folder($folder);
        $this->imap->select($folder);
        $line = '';
        $this->imap->fetch((string) $uid, 'FLAGS INTERNALDATE', function ($_, $text) use (&$line) {
            $line = $text;
        });
        $message = $imap->get_raw_body($uid);
        if ($message === false || $line === '' || !$this->delete([$uid])) {
            return false;
        }
        if (($this->imap->status($storage)['UIDNEXT'] ?? 0) > $before) {
            return true;
        }
        $flags = preg_match('/FLAGS \(([^)]*)\)/', $line, $match) ? preg_replace('/\\\\(Recent|Deleted) ?/i', '', $match[1]) : '';
        $date  = preg_match('/INTERNALDATE "([^"]+)"/', $line, $match) ? $match[1] : null;
        $imap->save_message($folder, $message, '', false, array_filter(explode(' ', $flags)), $date);

        return false;
    }
}
