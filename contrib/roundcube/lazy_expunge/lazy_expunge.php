<?php

/**
 * Recover deleted messages: a page on which users find and put back what Dovecot's lazy_expunge keeps.
 *
 * All of it goes through the user's own IMAP session. Settings: config.inc.php.dist.
 *
 * @license MIT
 */
class lazy_expunge extends rcube_plugin
{
    public $task = 'mail|settings';

    private const PAGE = 'plugin.lazy_expunge';
    private const RENAMES = 'lazy_expunge_renames';
    private const KNOWN = 'lazy_expunge_known';

    /** Roundcube itself has nothing that tells. */
    private const RIGHT_TO_LEFT = ['ar', 'fa', 'he', 'ur', 'ps', 'ug'];

    /** Letters from right to left, and the marks that change the direction. */
    private const TURNS_ROUND = '/[\x{590}-\x{8ff}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{fb1d}-\x{fdff}\x{fe70}-\x{feff}]/u';

    private rcmail $rcmail;
    private ?lazy_expunge_limits $limits = null;

    public function init()
    {
        spl_autoload_register(function ($class) {
            $file = __DIR__ . "/lib/$class.php";
            if (strpos($class, 'lazy_expunge_') === 0 && is_file($file)) {
                require $file;
            }
        });
        $this->rcmail = rcmail::get_instance();
        $this->load_config();
        $this->add_texts('localization/');
        $this->register_action(self::PAGE, [$this, 'page']);
        if ($this->rcmail->task === 'mail') {
            foreach (['list', 'more', 'select', 'restore', 'undo'] as $call) {
                $this->register_action(self::PAGE . ".$call", fn () => $this->answer("call_$call"));
            }
            $this->register_action(self::PAGE . '.preview', [$this, 'preview']);
        }
        $this->add_hook('ready', [$this, 'ready']);
        $this->add_hook('settings_actions', [$this, 'settings_actions']);
        $this->add_hook('folder_rename', [$this, 'folder_rename']);
        $this->add_hook('folder_update', [$this, 'folder_update']);
        $this->add_hook('folder_delete', [$this, 'folder_delete']);
    }

    /**
     * The entry in the folder list's menu.
     */
    public function ready($args)
    {
        if ($args['task'] === 'mail' && $args['action'] === '') {
            // attachments of a preview were opened from there; it is no folder to come back to
            if (empty($_GET['_mbox']) && $this->is_storage((string) ($_SESSION['mbox'] ?? ''))) {
                $_SESSION['mbox'] = 'INBOX';
            }
            if ($this->offered()) {
                $this->add_button(['type' => 'link-menuitem', 'label' => 'lazy_expunge.title', 'class' => 'lazy-expunge active',
                    'href' => $this->rcmail->url(['_task' => 'mail', '_action' => self::PAGE])], 'mailboxoptions');
            }
        }
        if (!$this->rcmail->output->ajax_call && in_array($args['action'], ['', self::PAGE, self::PAGE . '.preview'], true)
            || $args['task'] === 'settings'
        ) {
            $this->include_stylesheet($this->local_skin_path() . '/lazy_expunge.css');
        }

        return $args;
    }

    public function settings_actions($args)
    {
        if ($this->offered()) {
            $args['actions'][] = ['action' => self::PAGE, 'class' => 'lazy-expunge', 'label' => 'title', 'domain' => 'lazy_expunge'];
        }

        return $args;
    }

    /**
     * Remember what the server tells nobody: under which name a folder is now.
     */
    public function folder_rename($args)
    {
        $renames = (array) $this->rcmail->config->get(self::RENAMES, []);
        $renames = lazy_expunge_folders::remember($renames, $args['oldname'], $args['newname'], time());
        $this->rcmail->user->save_prefs([self::RENAMES => $renames]);

        return $args;
    }

    public function folder_update($args)
    {
        $record = $args['record'];
        if (!empty($record['oldname']) && $record['oldname'] !== $record['name']) {
            $this->folder_rename(['oldname' => $record['oldname'], 'newname' => $record['name']]);
        }

        return $args;
    }

    /**
     * Remember names for a storage that is a hidden namespace: what was deleted there lies under the folder's name.
     */
    public function folder_delete($args)
    {
        $known = (array) $this->rcmail->config->get(self::KNOWN, []);
        $name  = lazy_expunge_imap::to_utf8($args['name']);
        $this->rcmail->user->save_prefs([self::KNOWN => array_slice(array_values(array_unique([...$known, $name])), -200)]);

        return $args;
    }

    public function page()
    {
        $output = $this->rcmail->output;
        $output->set_pagetitle($this->gettext('title'));
        $this->include_script('lazy_expunge.js');
        $this->add_texts('localization/', true);
        $output->set_env('lazy_expunge_dir', self::is_right_to_left() ? 'rtl' : 'ltr');
        $output->add_label('nosubject', 'cancel', 'close', 'loading', 'servererror');
        $output->add_handlers(['lazy_expunge_limits' => [$this, 'limits_text'], 'lazy_expunge_target' => [$this, 'target_select']]);
        try {
            $limits = $this->limits();
            $output->set_env('lazy_expunge', ['batch' => $limits->batch, 'max' => $limits->max_restore]);
        }
        catch (lazy_expunge_error $error) {
            $output->set_env('lazy_expunge_error', $this->words($error));
        }
        $output->send('lazy_expunge.recover');
    }

    private static function is_right_to_left(): bool
    {
        return in_array(substr((string) ($_SESSION['language'] ?? ''), 0, 2), self::RIGHT_TO_LEFT, true);
    }

    /**
     * Text that keeps its own direction within another, and does not turn round what follows.
     */
    public function isolated(string $text): string
    {
        return self::is_right_to_left() || preg_match(self::TURNS_ROUND, $text) ? "\u{2068}$text\u{2069}" : $text;
    }

    /**
     * The limits, told before anybody meets them.
     */
    public function limits_text($attrib)
    {
        try {
            $limits = $this->limits();
        }
        catch (lazy_expunge_error $error) {
            return '';
        }
        $texts = [];
        foreach (['keep_days' => 'limitkeep', 'max_age' => 'limitage', 'max_restore' => 'limitcount'] as $name => $label) {
            if ($limits->{$name} > 0) {
                $texts[] = html::span(null, rcube::Q($this->gettext(['name' => $label, 'vars' => ['n' => $limits->{$name}]])));
            }
        }

        return implode(' ', $texts);
    }

    public function target_select($attrib)
    {
        $select = rcmail_action::folder_selector(['noselection' => $this->gettext('toorigin'), 'unsubscribed' => true,
            'skip_noinferiors' => false, 'id' => $attrib['id'], 'class' => 'custom-select', 'exceptions' => $this->storage_names()]);

        return $select->show('');
    }

    /**
     * A mail of the storage, as Roundcube shows any: washed, and nothing is loaded from elsewhere.
     */
    public function preview()
    {
        try {
            $this->limits();
            $imap    = new lazy_expunge_imap($this->rcmail->get_storage());
            $storage = $this->storage($imap);
            $folder  = rcube_utils::get_input_string('_storage', rcube_utils::INPUT_GET, true);
            $uid     = rcube_utils::get_input_string('_uid', rcube_utils::INPUT_GET);
            $uids    = lazy_expunge_imap::uids($uid, 1);
            $storage->open($folder);
            $facts = $storage->facts($folder, $uid)[$uids[0]] ?? null;
            if ($facts === null || $facts[0] < $this->limits->oldest()) {
                throw new lazy_expunge_error('gone');
            }
            (new lazy_expunge_preview())->show($folder, $uids[0]);
        }
        catch (lazy_expunge_error $error) {
            $this->rcmail->output->add_handlers(['lazy_expunge_message' => fn () => rcube::Q($this->words($error))]);
            $this->rcmail->output->send('lazy_expunge.nopreview');
        }
    }

    /**
     * Run one of the calls that the page makes, and answer with what it returns or with what went wrong.
     */
    private function answer(string $call): void
    {
        try {
            $this->limits();
            $result = $this->{$call}(new lazy_expunge_imap($this->rcmail->get_storage()));
        }
        catch (lazy_expunge_error $error) {
            $result = ['error' => $this->words($error), 'why' => $error->getMessage()];
        }
        $result['call'] = rcube_utils::get_input_string('_call', rcube_utils::INPUT_GPC);
        $this->rcmail->output->command(self::PAGE . '.answer', $result);
        $this->rcmail->output->send();
    }

    private function call_list(lazy_expunge_imap $imap): array
    {
        return $this->view($imap)->page((int) rcube_utils::get_input_string('_page', rcube_utils::INPUT_GET));
    }

    private function call_more(lazy_expunge_imap $imap): array
    {
        $uids = lazy_expunge_imap::uids(rcube_utils::get_input_string('_uids', rcube_utils::INPUT_GET), 200);
        rsort($uids);

        return ['rows' => $this->view($imap)->rows(rcube_utils::get_input_string('_storage', rcube_utils::INPUT_GET, true), $uids)];
    }

    /**
     * All that the filter finds, for "restore all".
     */
    private function call_select(lazy_expunge_imap $imap): array
    {
        [$index] = $this->view($imap)->find();
        $sets = $validity = [];
        foreach ($index->uids() as $folder => $uids) {
            $sets[$folder]     = lazy_expunge_imap::set($uids);
            $validity[$folder] = $imap->status((string) $folder)['UIDVALIDITY'] ?? 0;
        }

        return ['count' => $index->count(), 'sets' => (object) $sets, 'validity' => (object) $validity];
    }

    private function call_restore(lazy_expunge_imap $imap): array
    {
        $this->require_post();
        $run     = $this->run_of_request();
        $folder  = rcube_utils::get_input_string('_storage', rcube_utils::INPUT_POST, true);
        $uids    = lazy_expunge_imap::uids(rcube_utils::get_input_string('_uids', rcube_utils::INPUT_POST), $this->limits->batch);
        $target  = rcube_utils::get_input_string('_target', rcube_utils::INPUT_POST, true);
        $storage = $this->storage($imap);
        $folders = $this->folders($imap);
        if ($this->limits->max_restore && $run->count + count($uids) > $this->limits->max_restore) {
            throw new lazy_expunge_error('toomany', ['n' => $this->limits->max_restore]);
        }
        $storage->open($folder);
        if ($imap->told('UIDVALIDITY') !== (int) rcube_utils::get_input_string('_validity', rcube_utils::INPUT_POST)) {
            throw new lazy_expunge_error('changed');
        }
        if ($target !== '' && ($storage->has($target) || !$folders->exists($target))) {
            throw new lazy_expunge_error('notarget', ['folder' => lazy_expunge_imap::to_utf8($target)]);
        }
        $restore = new lazy_expunge_restore($imap, $storage, $folders, $this->limits->quota_ignore);
        try {
            $restore->batch($folder, $uids, $target, $this->limits->oldest());
        }
        finally {
            // what was moved before something failed can be taken back all the same
            $run->add($restore, $folders);
            $run->save();
        }

        return ['result' => $restore->result, 'reasons' => array_keys($restore->reasons), 'undo' => $run->moved !== [],
            'made' => array_map([$this, 'link'], $folders->made), 'targets' => array_map([$this, 'link'], array_keys($restore->targets),
                $restore->targets)];
    }

    private function call_undo(lazy_expunge_imap $imap): array
    {
        $this->require_post();
        $run  = $this->run_of_request();
        $undo = new lazy_expunge_undo($imap, $this->storage($imap), $this->folders($imap));
        $part = $run->take($this->limits->batch);
        $run->save();
        if ($part) {
            $undo->batch(...$part);
        }
        if (!$run->moved) {
            $undo->remove_folders($run->made);
            $run->made = [];
        }
        $run->save();

        return ['result' => $undo->result, 'more' => $run->moved !== []];
    }

    private function require_post(): void
    {
        if ($_SERVER['REQUEST_METHOD'] !== 'POST' || !$_POST || !$this->rcmail->check_request(rcube_utils::INPUT_POST)) {
            throw new lazy_expunge_error('badrequest', [], 'a change that was not asked for by POST with a token');
        }
    }

    private function link(string $folder, int $count = 0): array
    {
        return ['label' => lazy_expunge_view::label($this->rcmail->get_storage(), $folder), 'count' => $count,
            'url' => $this->rcmail->url(['_task' => 'mail', '_mbox' => $folder])];
    }

    /**
     * @throws lazy_expunge_error for users who are not to use it, and for a setting that cannot be used
     */
    private function limits(): lazy_expunge_limits
    {
        $this->limits ??= new lazy_expunge_limits($this->rcmail->config);
        if (!$this->limits->allows((string) $this->rcmail->get_user_name())) {
            throw new lazy_expunge_error('switchedoff');
        }

        return $this->limits;
    }

    /**
     * Whether there is a menu entry: not for users for whom it is switched off. What is set wrong is told by the page.
     */
    private function offered(): bool
    {
        try {
            $this->limits();
        }
        catch (lazy_expunge_error $error) {
            return $error->getMessage() !== 'switchedoff';
        }

        return true;
    }

    private function is_storage(string $folder): bool
    {
        $name = (string) $this->rcmail->config->get('lazy_expunge_storage', '.EXPUNGED');

        return $folder !== '' && ($folder === $name || in_array(substr($name, -1), ['/', '.'], true) && strpos($folder, $name) === 0);
    }

    /**
     * The storages' mailboxes as far as a list shows them, to be left out of the folders to restore to.
     */
    private function storage_names(): array
    {
        return array_filter($this->rcmail->get_storage()->list_folders(), [$this, 'is_storage']);
    }

    private function run_of_request(): lazy_expunge_run
    {
        $cache = $this->rcmail->get_cache('lazy_expunge', 'db', '1d');

        return new lazy_expunge_run($cache, rcube_utils::get_input_string('_run', rcube_utils::INPUT_POST));
    }

    private function storage(lazy_expunge_imap $imap): lazy_expunge_storage
    {
        return new lazy_expunge_storage($imap, $this->limits->storage, (array) $this->rcmail->config->get(self::KNOWN, []));
    }

    private function folders(lazy_expunge_imap $imap): lazy_expunge_folders
    {
        return new lazy_expunge_folders($imap, (array) $this->rcmail->config->get(self::RENAMES, []));
    }

    private function view(lazy_expunge_imap $imap): lazy_expunge_view
    {
        return new lazy_expunge_view($this, $imap, $this->storage($imap), $this->limits);
    }

    /**
     * An error in the user's language; the administrator's half goes to the log.
     */
    private function words(lazy_expunge_error $error): string
    {
        if ($error->log !== '' && $error->getMessage() !== 'nostorage') {
            rcube::raise_error(['code' => 600, 'message' => "lazy_expunge: $error->log"], true, false);
        }

        return $this->gettext(['name' => 'error_' . $error->getMessage(), 'vars' => $error->details]);
    }
}
