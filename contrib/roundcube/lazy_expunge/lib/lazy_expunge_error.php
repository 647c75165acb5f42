<?php

/**
 * What keeps the page from doing what was asked, in words for the user.
 *
 * The message is the name of a text in localization/, details are its variables; $log is for the administrator alone.
 */
class lazy_expunge_error extends Exception
{
    public array $details;
    public string $log;

    public function __construct(string $label, array $details = [], string $log = '')
    {
        parent::__construct($label);
        $this->details = $details;
        $this->log     = $log;
    }
}
