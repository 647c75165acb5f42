<?php

/**
 * One mail of the storage, displayed by Roundcube's own classes: HTML is washed, and nothing is loaded from elsewhere.
 *
 * It is not marked as read, and no receipt is sent: it shall come back as it went.
 */
class lazy_expunge_preview extends rcmail_action_mail_show
{
    public function show(string $folder, int $uid): void
    {
        $rcmail = rcmail::get_instance();
        // whatever the user has set for mail that was not deleted
        $rcmail->config->set('show_images', 0);
        $rcmail->storage->set_folder($folder);
        $message = new rcube_message($uid, $folder, false);
        if (empty($message->headers)) {
            throw new lazy_expunge_error('gone');
        }
        self::$MESSAGE = $message;
        if (!empty($message->headers->charset)) {
            $rcmail->storage->set_charset($message->headers->charset);
        }
        $rcmail->output->set_pagetitle(abbreviate_string($message->subject, 128, '...', true));
        $rcmail->output->set_env('uid', $uid);
        $rcmail->output->set_env('mailbox', $folder);
        $rcmail->output->set_env('safemode', false);
        $rcmail->output->add_handlers([
            'messageheaders'           => [$this, 'message_headers'],
            'messagebody'              => [$this, 'message_body'],
            'lazy_expunge_attachments' => [$this, 'attachments'],
        ]);
        $rcmail->output->send('lazy_expunge.preview');
    }

    /**
     * Links that need no command of the mail page.
     */
    public function attachments($attrib)
    {
        $items = '';
        foreach (self::$MESSAGE->attachments as $part) {
            $url    = self::$MESSAGE->get_part_url($part->mime_id, 'download');
            $name   = html::span('attachment-name', rcube::Q(self::attachment_name($part, true)));
            $size   = html::span('attachment-size', '(' . rcube::Q(self::message_part_size($part)) . ')');
            $items .= html::tag('li', rcube_utils::file2class($part->mimetype, (string) $part->filename),
                html::a(['href' => $url, 'class' => 'filename', 'target' => '_blank', 'rel' => 'noopener'], "$name $size"));
        }

        return $items === '' ? '' : html::tag('ul', ['class' => 'attachmentslist', 'id' => $attrib['id']], $items);
    }
}
