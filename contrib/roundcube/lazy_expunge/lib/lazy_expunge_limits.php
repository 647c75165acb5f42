<?php

/**
 * What the administrator allows, read from the configuration once and checked at every call.
 */
final class lazy_expunge_limits
{
    /** The storage, as the server's lazy_expunge (2.4: lazy_expunge_mailbox) names it. */
    public string $storage;
    /** Days that the server keeps mail, for "until when"; 0: not told. */
    public int $keep_days;
    /** How many days back users may see and restore; 0: as far as the storage reaches. */
    public int $max_age;
    /** Messages in one restore; 0: any number. */
    public int $max_restore;
    /** Messages in one request of a restore. */
    public int $batch;
    /** Deletions on a page. */
    public int $page_size;
    /** Seconds: what was deleted from one folder in steps no longer than this was deleted together. */
    public int $gap;
    /** Whether the storage does not count in the quota, as the server's lazy_expunge_quota_ignore says. */
    public bool $quota_ignore;
    private ?array $users;

    private const NUMBERS = [
        'keep_days'   => [0, 0, 36500],
        'max_age'     => [0, 0, 36500],
        'max_restore' => [0, 0, 100000000],
        'batch'       => [100, 1, 1000],
        'page_size'   => [20, 1, 200],
        'gap'         => [60, 0, 86400],
    ];

    /**
     * @throws lazy_expunge_error for a setting that cannot be used, which it names
     */
    public function __construct(rcube_config $config)
    {
        $this->storage = $this->text($config->get('lazy_expunge_storage', '.EXPUNGED'));
        foreach (self::NUMBERS as $name => [$default, $least, $most]) {
            $this->{$name} = self::number("lazy_expunge_$name", $config->get("lazy_expunge_$name", $default), $least, $most);
        }
        $ignore = $config->get('lazy_expunge_quota_ignore', true);
        if (!is_bool($ignore)) {
            throw self::bad('lazy_expunge_quota_ignore', $ignore, 'true or false');
        }
        $this->quota_ignore = $ignore;
        $this->users = self::patterns($config->get('lazy_expunge_users'));
    }

    /**
     * Whether a user of this name may recover mail. Patterns are tried in their order, and the first that matches decides.
     */
    public function allows(string $username): bool
    {
        if ($this->users === null) {
            return true;
        }
        foreach ($this->users as $pattern) {
            $deny = $pattern[0] === '!';
            if (fnmatch($deny ? substr($pattern, 1) : $pattern, $username, FNM_CASEFOLD)) {
                return !$deny;
            }
        }

        return false;
    }

    /**
     * Unix time: what was deleted before is out of the user's reach. 0 when nothing is.
     */
    public function oldest(?int $now = null): int
    {
        return $this->max_age > 0 ? ($now ?? time()) - $this->max_age * 86400 : 0;
    }

    private function text($value): string
    {
        if (!is_string($value) || $value === '' || strcasecmp($value, 'INBOX') === 0 || preg_match('/[\x00-\x1f\x7f]/', $value)) {
            throw self::bad('lazy_expunge_storage', $value, "the name of the server's expunge storage");
        }

        return $value;
    }

    private static function number(string $name, $value, int $least, int $most): int
    {
        $number = filter_var($value, FILTER_VALIDATE_INT);
        if ($number === false || is_bool($value) || $number < $least || $number > $most) {
            throw self::bad($name, $value, "a number from $least to $most");
        }

        return $number;
    }

    private static function patterns($value): ?array
    {
        if ($value === null) {
            return null;
        }
        foreach (is_array($value) ? $value : [$value] as $pattern) {
            if (!is_array($value) || !is_string($pattern) || ltrim($pattern, '!') === '') {
                throw self::bad('lazy_expunge_users', $value, 'null or a list of user names with the wildcards * and ?');
            }
        }

        return $value;
    }

    private static function bad(string $name, $value, string $wanted): lazy_expunge_error
    {
        $log = "$name = " . json_encode($value, JSON_PARTIAL_OUTPUT_ON_ERROR) . " cannot be used: it must be $wanted";

        return new lazy_expunge_error('misconfigured', [], $log);
    }
}
