<?php

/**
 * Where a kept mail came from, as its storage tells it over IMAP.
 *
 * A mailbox as the storage: a keyword of the mail, the prefix and the mailbox's name (UTF-8), in which =XX stands for bytes
 * that an IMAP atom cannot hold. A namespace as the storage: the mailbox's name below the namespace's prefix. Where the mailbox was
 * renamed since, another keyword has its name now.
 */
final class lazy_expunge_origin
{
    public const PREFIX = '$Expunged-From:';
    public const NOW = '$Expunged-Now:';

    /**
     * The name among a mail's flags as IMAP writes them (separated by spaces), or null when none tells it.
     */
    public static function from_flags(string $flags, string $prefix = self::PREFIX): ?string
    {
        $at = stripos($flags, $prefix);
        while ($at !== false) {
            if ($at === 0 || $flags[$at - 1] === ' ') {
                $value = substr($flags, $at + strlen($prefix));
                $name  = self::decode(substr($value, 0, strcspn($value, ' ')));
                if ($name !== null) {
                    return $name;
                }
            }
            $at = stripos($flags, $prefix, $at + 1);
        }

        return null;
    }

    /**
     * The name that is written as $value, or null when nothing that may be written there is.
     */
    public static function decode(string $value): ?string
    {
        if ($value === '' || preg_match('/=(?![0-9A-Fa-f]{2})|=00/', $value)) {
            return null;
        }
        $name = preg_replace_callback('/=([0-9A-Fa-f]{2})/', fn ($hex) => chr(hexdec($hex[1])), $value);

        return mb_check_encoding($name, 'UTF-8') ? $name : null;
    }

    /**
     * The name below the storage's prefix for a name (UTF-8), where the two namespaces may have different separators.
     */
    public static function to_storage_name(string $name, string $separator, string $storage_separator): string
    {
        if ($separator === $storage_separator) {
            return $name;
        }
        $out = '';
        for ($i = 0; $i < strlen($name); $i++) {
            $byte = preg_match('/\G=([0-9A-Fa-f]{2})/', $name, $hex, 0, $i) ? chr(hexdec($hex[1])) : '';
            if ($name[$i] === $separator) {
                $out .= $storage_separator;
            }
            elseif ($name[$i] === $storage_separator || $byte === '=' || $byte === $storage_separator) {
                $out .= sprintf('=%02X', ord($name[$i]));
            }
            else {
                $out .= $name[$i];
            }
        }

        return $out;
    }

    /**
     * The name (UTF-8) for a name below the storage's prefix, where the two namespaces may have different separators.
     */
    public static function from_storage_name(string $name, string $separator, string $storage_separator): string
    {
        if ($separator === $storage_separator) {
            return $name;
        }
        $out = '';
        for ($i = 0; $i < strlen($name); $i++) {
            $byte = preg_match('/\G=([0-9A-Fa-f]{2})/', $name, $hex, 0, $i) ? chr(hexdec($hex[1])) : '';
            if ($byte !== '' && ($byte === '=' || $byte === $storage_separator)) {
                $out .= $byte;
                $i   += 2;
            }
            else {
                $out .= $name[$i] === $storage_separator ? $separator : $name[$i];
            }
        }

        return $out;
    }
}
