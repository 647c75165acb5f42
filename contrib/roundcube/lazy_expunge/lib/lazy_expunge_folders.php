<?php

/**
 * The folders that mail goes back to: found, made again with their parents, and remembered under their new names.
 */
class lazy_expunge_folders
{
    /** Renames that the webmail remembers for a user. */
    private const REMEMBERED = 200;

    private lazy_expunge_imap $imap;
    private array $renames;
    /** Folders that were made since, parents first. */
    public array $made = [];
    private array $found = [];

    /**
     * @param array $renames of remember(), as the user's preferences have them
     */
    public function __construct(lazy_expunge_imap $imap, array $renames)
    {
        $this->imap    = $imap;
        $this->renames = $renames;
    }

    /**
     * The folder that mail from $origin (UTF-8) goes back to, which then exists.
     *
     * @param int $deleted when it was deleted: renames before do not matter
     * @param ?string $now the name that the server says it has now
     *
     * @throws lazy_expunge_error when it cannot be made
     */
    public function of_origin(string $origin, int $deleted, ?string $now = null): string
    {
        // under its last name, also if it was deleted since
        $folder = lazy_expunge_imap::to_imap($now ?? $origin);
        if (isset($this->found[$folder])) {
            return $this->found[$folder];
        }
        if ($this->exists($folder)) {
            return $this->found[$folder] = $folder;
        }
        $renamed = $this->renamed($folder, $deleted);
        if ($renamed !== $folder && $this->exists($renamed)) {
            return $renamed;
        }
        $this->make($folder);

        return $this->found[$folder] = $folder;
    }

    public function exists(string $folder): bool
    {
        return strcasecmp($folder, 'INBOX') === 0 || $this->imap->status($folder) !== null;
    }

    /**
     * Add a rename to what is remembered; returns it.
     */
    public static function remember(array $renames, string $from, string $to, int $now): array
    {
        $renames[] = [$from, $to, $now];

        return array_slice($renames, -self::REMEMBERED);
    }

    /**
     * The name that a folder, or one above it, got since this time.
     */
    private function renamed(string $folder, int $since): string
    {
        $separator = $this->imap->separator();
        foreach ($this->renames as [$from, $to, $when]) {
            if ($when >= $since && strncmp($folder . $separator, $from . $separator, strlen($from) + 1) === 0) {
                $folder = $to . substr($folder, strlen($from));
            }
        }

        return $folder;
    }

    private function make(string $folder): void
    {
        $separator = $this->imap->separator();
        $missing   = [];
        for ($name = $folder; $name !== '' && !$this->exists($name); $name = substr($name, 0, (int) strrpos($name, $separator))) {
            array_unshift($missing, $name);
        }
        $prefix = rtrim((string) $this->imap->storage->get_namespace('prefix'), $separator);
        foreach (array_diff($missing, [$prefix]) as $name) {
            // somebody else may have made it meanwhile
            if ($this->imap->run('CREATE', [rcube_imap_generic::escape($name)])[0]) {
                $this->made[] = $name;
            }
            elseif ($this->imap->code !== 'ALREADYEXISTS') {
                throw new lazy_expunge_error('cannotmake', ['folder' => lazy_expunge_imap::to_utf8($name)], $this->imap->text);
            }
            $this->imap->run('SUBSCRIBE', [rcube_imap_generic::escape($name)]);
        }
        $this->imap->storage->clear_cache('mailboxes', true);
    }
}
