"""Whether Roundcube takes the plugin, as PHP."""

LOAD = """
define('INSTALL_PATH', '/var/lib/roundcube/');
require 'program/include/iniset.php';
$rcmail = rcmail::get_instance();
$enabled = in_array('lazy_expunge', (array) $rcmail->config->get('plugins'), true);
$loaded = $enabled && $rcmail->plugins->load_plugin('lazy_expunge', true);
if ($loaded) {
    $plugin = $rcmail->plugins->get_plugin('lazy_expunge');
    $plugin->load_config();
    $loaded = $plugin->gettext('title') !== '';
}
print json_encode([$enabled, $loaded, $rcmail->config->get('lazy_expunge_keep_days')]);
"""
