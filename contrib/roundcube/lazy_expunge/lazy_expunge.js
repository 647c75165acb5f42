/**
 * The page "Recover deleted messages". What comes from mails and folders is put in as text, never as markup.
 */
window.rcmail && rcmail.addEventListener('init', function () {
    'use strict';

    var PAGE = 'plugin.lazy_expunge';
    // letters from right to left, and the marks that change the direction
    var TURNS_ROUND = /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff]/;
    // mails that "more" shows at once
    var MORE = 50;
    var calls = {}, calling = 0;
    var found = null, filter = {}, page = 1;
    var run = null, last_run = null;

    function text(name, vars) {
        var label = rcmail.get_label(name, 'lazy_expunge');
        $.each(vars || {}, function (key, value) {
            label = label.split('$' + key).join(isolated(String(value)));
        });
        return label;
    }

    // Text that keeps its own direction within another, and does not turn round what follows.
    function isolated(value) {
        return rcmail.env.lazy_expunge_dir === 'rtl' || TURNS_ROUND.test(value) ? '\u2068' + value + '\u2069' : value;
    }

    function element(tag, attributes, content) {
        var node = $(document.createElement(tag)).attr(attributes || {});
        return content === undefined ? node : node.text(content);
    }

    // One request to the server; the promise is kept with what it answers, and broken with words when it does not.
    function call(name, data, type) {
        var id = String(++calling), done = $.Deferred(), request;
        calls[id] = done;
        // also when the page is shown among the settings
        request = rcmail.http_request('mail/' + PAGE + '.' + name, $.extend({_call: id}, data), null, type || 'GET');
        if (request && request.fail) {
            request.fail(function () {
                delete calls[id];
                done.reject(text('error_noanswer'));
            });
            request.done(function () {
                // an answer of another kind: the session has ended
                if (calls[id]) {
                    delete calls[id];
                    done.reject(text('error_session'));
                }
            });
        }
        return done.promise();
    }

    rcmail.addEventListener(PAGE + '.answer', function (answer) {
        var done = calls[answer.call];
        delete calls[answer.call];
        if (!done) {
            return;
        }
        if (answer.error) {
            done.reject(answer.error, answer.why);
        } else {
            done.resolve(answer);
        }
    });

    // Sets of UIDs as IMAP writes them, newest first.

    function expand(set) {
        var uids = [];
        $.each(set === '' ? [] : set.split(','), function (_, range) {
            var ends = range.split(':'), uid;
            for (uid = Number(ends[0]); uid <= Number(ends[1] || ends[0]); uid++) {
                uids.push(uid);
            }
        });
        return uids.reverse();
    }

    function collapse(uids) {
        var sorted = uids.slice().sort(function (a, b) { return a - b; }), ranges = [];
        $.each(sorted, function (_, uid) {
            var range = ranges[ranges.length - 1];
            if (range && range[1] === uid - 1) {
                range[1] = uid;
            } else {
                ranges.push([uid, uid]);
            }
        });
        return $.map(ranges, function (range) {
            return range[0] === range[1] ? String(range[0]) : range.join(':');
        }).join(',');
    }

    // The list.

    function read_filter() {
        filter = {};
        $('#lazy-expunge-form').find('input, select').each(function () {
            if (this.name && this.value !== '') {
                filter[this.name] = this.value;
            }
        });
    }

    function load(to_page) {
        $('#lazy-expunge-list').attr('aria-busy', 'true');
        say(text('searching'));
        call('list', $.extend({_page: to_page}, filter)).then(function (answer) {
            found = answer;
            page = answer.page;
            show();
        }, fail_list);
    }

    function fail_list(message) {
        found = null;
        $('#lazy-expunge-list').empty().attr('aria-busy', 'false').append(element('p', {'class': 'lazy-expunge-empty', role: 'alert'}, message));
        $('#lazy-expunge-pages, #lazy-expunge-actions').prop('hidden', true);
        say('');
    }

    function show() {
        var list = $('#lazy-expunge-list').empty().attr('aria-busy', 'false');
        $.each(found.groups, function (_, group) {
            list.append(group_element(group));
        });
        if (!found.groups.length) {
            list.append(element('p', {'class': 'lazy-expunge-empty'}, text(found.all ? 'nothingfound' : 'nothing')));
        }
        if (found.old) {
            list.append(element('p', {'class': 'lazy-expunge-old'}, text('older', {n: found.old})));
        }
        if (found.partial) {
            list.append(element('p', {'class': 'lazy-expunge-partial'}, text('partial')));
        }
        show_folders();
        $('#lazy-expunge-pages').prop('hidden', found.pages <= 1);
        $('#lazy-expunge-page').text(text('page', {n: found.page, pages: found.pages}));
        $('#lazy-expunge-newer').prop('disabled', found.page <= 1);
        $('#lazy-expunge-older').prop('disabled', found.page >= found.pages);
        $('#lazy-expunge-actions').prop('hidden', false);
        say(text('found', {n: found.found}));
        selection_changed();
    }

    function show_folders() {
        var select = $('#lazy-expunge-folder'), wanted = select.val();
        select.children().slice(1).remove();
        $.each(found.origins, function (_, origin) {
            var value = JSON.stringify([origin.name]);
            select.append(element('option', {value: value}, origin.label + ' (' + origin.count + ')'));
        });
        if (wanted && !select.children().filter(function () { return this.value === wanted; }).length) {
            select.append(element('option', {value: wanted}, (JSON.parse(wanted)[0] || text('unknownfolder')) + ' (0)'));
        }
        select.val(wanted || '');
    }

    function group_element(group) {
        var uids = group.uids === '' ? group.first : expand(group.uids);
        var asked = {};
        $.each(group.first, function (_, uid) { asked[uid] = true; });
        var section = element('section', {'class': 'lazy-expunge-group'}).data('group',
            $.extend({all: uids, asked: asked, left: uids.length - group.first.length}, group));
        var title = element('h3', {}, group.title);
        var all = checkbox(text('selectgroup', {title: group.title})).addClass('lazy-expunge-all');
        var restore = element('button', {type: 'button', 'class': 'btn btn-secondary btn-sm lazy-expunge-restore-group',
            'aria-label': text('restoregroup') + ': ' + group.title}, text('restoregroup'));
        var rows = element('ul', {'class': 'lazy-expunge-rows'});
        section.append(element('header').append(all, title, restore), rows);
        add_rows(section, group.rows);
        if (uids.length > group.first.length) {
            section.append(element('button', {type: 'button', 'class': 'btn btn-link lazy-expunge-more'},
                text('more', {n: uids.length - group.first.length})));
        }
        return section;
    }

    function checkbox(label) {
        return element('input', {type: 'checkbox', 'class': 'form-check-input', 'aria-label': label});
    }

    function add_rows(section, rows) {
        var checked = section.find('.lazy-expunge-all').prop('checked');
        $.each(rows, function (_, row) {
            var item = element('li', {'class': row.unseen ? 'unseen' : ''}).data('uid', row.uid);
            var line = element('span', {'class': 'lazy-expunge-about'});
            line.append(element('span', {'class': 'lazy-expunge-folder'}, row.folder), ' ', element('span', {'class': 'lazy-expunge-when'},
                text('deletedat', {when: row.when})));
            if (row.until) {
                line.append(' ', element('span', {'class': 'lazy-expunge-until'}, text('until', {when: row.until})));
            }
            item.append(checkbox(row.subject).addClass('lazy-expunge-one').prop('checked', checked),
                element('span', {'class': 'lazy-expunge-who'}, row.who),
                element('button', {type: 'button', 'class': 'btn btn-link lazy-expunge-subject', dir: 'auto'}, row.subject), line);
            section.children('ul').append(item);
        });
    }

    function more(section) {
        var group = section.data('group'), next = [];
        $.each(group.all, function (_, uid) {
            if (!group.asked[uid]) {
                group.asked[uid] = true;
                next.push(uid);
            }
            return next.length < MORE;
        });
        group.left -= next.length;
        call('more', {_storage: group.mailbox, _uids: collapse(next)}).then(function (answer) {
            var first = section.find('li').length, button = section.find('.lazy-expunge-more');
            add_rows(section, answer.rows);
            if (group.left <= 0) {
                button.remove();
            } else {
                button.text(text('more', {n: group.left}));
            }
            section.find('li').eq(first).find('.lazy-expunge-one').trigger('focus');
            selection_changed();
        }, function (message) {
            // they can be asked for again
            $.each(next, function (_, uid) { delete group.asked[uid]; });
            group.left += next.length;
            warn(message);
        });
    }

    function selected() {
        var items = [];
        $('.lazy-expunge-group').each(function () {
            var group = $(this).data('group'), whole = $(this).find('.lazy-expunge-all').prop('checked');
            var uids = whole ? group.all.slice() : $(this).find('.lazy-expunge-one:checked').map(function () {
                return $(this).parent().data('uid');
            }).get();
            if (uids.length) {
                items.push({storage: group.mailbox, uids: uids});
            }
        });
        return items;
    }

    function count_of(items) {
        return items.reduce(function (sum, item) { return sum + item.uids.length; }, 0);
    }

    function selection_changed() {
        var count = count_of(selected());
        $('#lazy-expunge-selected').prop('disabled', !count || !!run).text(text('restoreselected', {n: count}));
        $('#lazy-expunge-found').prop('disabled', !found || !found.found || !!run).text(text('restorefound', {n: found ? found.found : 0}));
        $('.lazy-expunge-restore-group').prop('disabled', !!run);
    }

    // Restoring: batch after batch, until all is done or somebody stops it.

    function start(items, validity) {
        var count = count_of(items), max = rcmail.env.lazy_expunge.max;
        if (run || !count) {
            return;
        }
        if (max && count > max) {
            warn(text('error_toomany', {n: max}));
            return;
        }
        run = {id: Date.now().toString(36) + Math.random().toString(36).slice(2, 10), items: items, validity: validity, total: count,
            taken: 0, target: $('#lazy-expunge-target').val() || '', sums: {}, targets: {}, made: {}, reasons: {}, undo: false};
        $('#lazy-expunge-result').empty();
        $('#lazy-expunge-progress').prop('hidden', false).find('progress').attr({max: count, value: 0});
        $('#lazy-expunge-stop').prop('disabled', false).trigger('focus');
        selection_changed();
        next();
    }

    function next() {
        var item = run.items[0], uids;
        show_progress();
        if (!item || run.stopped) {
            finish();
            return;
        }
        // the oldest first, so that they come back in the order that they had
        uids = item.uids.splice(-rcmail.env.lazy_expunge.batch);
        if (!item.uids.length) {
            run.items.shift();
        }
        call('restore', {_run: run.id, _storage: item.storage, _validity: run.validity[item.storage] || 0, _uids: collapse(uids),
            _target: run.target}, 'POST').then(function (answer) {
            run.taken += uids.length;
            take(answer);
            if (answer.result.quota === uids.length) {
                // nothing of it had room
                run.full = true;
                run.stopped = true;
            }
            next();
        }, function (message) {
            run.error = message;
            finish();
        });
    }

    function take(answer) {
        $.each(answer.result, function (what, n) {
            run.sums[what] = (run.sums[what] || 0) + n;
        });
        $.each(answer.targets, function (_, target) {
            run.targets[target.url] = run.targets[target.url] || {label: target.label, count: 0};
            run.targets[target.url].count += target.count;
        });
        $.each(answer.made, function (_, made) {
            run.made[made.url] = made.label;
        });
        $.each(answer.reasons, function (_, reason) {
            run.reasons[reason] = true;
        });
        run.undo = run.undo || answer.undo;
    }

    function show_progress() {
        $('#lazy-expunge-progress progress').attr('value', run.taken);
        $('#lazy-expunge-progress-text').text(text('progress', {n: run.taken, total: run.total}));
    }

    function finish() {
        last_run = run;
        run = null;
        $('#lazy-expunge-progress').prop('hidden', true);
        show_result(last_run);
        load(page);
    }

    function show_result(done) {
        var box = $('#lazy-expunge-result').empty(), sums = done.sums, left = done.total - done.taken;
        var list = element('ul');
        box.append(element('h3', {tabindex: -1}, text(done.error ? 'resultbroken' : done.stopped ? 'resultstopped' : 'result')));
        if (done.error) {
            list.append(element('li', {'class': 'error'}, done.error));
        }
        $.each(done.targets, function (url, target) {
            list.append(element('li').append(document.createTextNode(text('restoredto', {n: target.count}) + ' '),
                element('a', {href: url}, target.label)));
        });
        $.each(done.made, function (_, label) {
            list.append(element('li', {}, text('made', {folder: label})));
        });
        $.each(['copied', 'there', 'gone', 'quota', 'homeless', 'old', 'failed'], function (_, what) {
            if (sums[what]) {
                list.append(element('li', {'class': what}, text('result_' + what, {n: sums[what]})));
            }
        });
        $.each(done.reasons, function (reason) {
            list.append(element('li', {'class': 'reason'}, reason));
        });
        if (left > 0) {
            list.append(element('li', {'class': 'left'}, text('result_left', {n: left})));
        }
        if (!list.children().length) {
            list.append(element('li', {}, text('result_none')));
        }
        box.append(list);
        if (done.undo) {
            box.append(element('button', {type: 'button', id: 'lazy-expunge-undo', 'class': 'btn btn-secondary'}, text('undo')));
        }
        box.children('h3').trigger('focus');
    }

    function undo(sums) {
        sums = sums || {deleted: 0, gone: 0, failed: 0};
        $('#lazy-expunge-undo').prop('disabled', true);
        call('undo', {_run: last_run.id}, 'POST').then(function (answer) {
            $.each(answer.result, function (what, n) {
                sums[what] += n;
            });
            if (answer.more && !answer.result.failed) {
                undo(sums);
                return;
            }
            show_undone(sums);
        }, function (message) {
            warn(message);
            show_undone(sums);
        });
    }

    function show_undone(sums) {
        var box = $('#lazy-expunge-result').empty();
        box.append(element('h3', {tabindex: -1}, text('undone', {n: sums.deleted})));
        $.each(['gone', 'failed'], function (_, what) {
            if (sums[what]) {
                box.append(element('p', {}, text('undone_' + what, {n: sums[what]})));
            }
        });
        box.children('h3').trigger('focus');
        load(page);
    }

    function restore_found() {
        $('#lazy-expunge-found').prop('disabled', true);
        call('select', filter).then(function (answer) {
            if (!answer.count) {
                load(1);
                return;
            }
            start($.map(answer.sets, function (set, storage) {
                return {storage: storage, uids: expand(set)};
            }), answer.validity);
            selection_changed();
        }, warn);
    }

    function preview(section, item) {
        var url = rcmail.url('mail/' + PAGE + '.preview', {_storage: section.data('group').mailbox, _uid: item.data('uid'), _framed: 1});
        var frame = element('iframe', {src: url, 'class': 'lazy-expunge-preview', title: item.find('.lazy-expunge-subject').text()});
        var opener = item.find('.lazy-expunge-subject');
        rcmail.simple_dialog(frame, text('preview'), function () {
            start([{storage: section.data('group').mailbox, uids: [item.data('uid')]}], found.validity);
            return true;
        }, {button: text('restore'), button_class: 'mainaction', cancel_button: 'close', width: 800, height: 600,
            close: function () {
                // what Roundcube does where nothing is said
                $(this).remove();
                opener.trigger('focus');
            }});
    }

    function warn(message) {
        // which takes markup
        rcmail.display_message(rcmail.quote_html(message.replace(/&/g, '&amp;')), 'warning');
        say(message);
        selection_changed();
    }

    // for those who do not see the list change
    function say(message) {
        $('#lazy-expunge-status').text(message);
    }

    $('#lazy-expunge-form').on('submit', function (event) {
        event.preventDefault();
        read_filter();
        load(1);
    });
    $('#lazy-expunge-form select').on('change', function () {
        if (this.name !== '_where' || $('#lazy-expunge-text').val()) {
            $('#lazy-expunge-form').trigger('submit');
        }
    });
    $('#lazy-expunge-form').on('reset', function () {
        setTimeout(function () {
            read_filter();
            load(1);
        }, 0);
    });
    $('#lazy-expunge-newer').on('click', function () { load(page - 1); });
    $('#lazy-expunge-older').on('click', function () { load(page + 1); });
    $('#lazy-expunge-selected').on('click', function () { start(selected(), found.validity); });
    $('#lazy-expunge-found').on('click', restore_found);
    $('#lazy-expunge-stop').on('click', function () {
        $(this).prop('disabled', true);
        if (run) {
            run.stopped = true;
        }
    });
    $('#lazy-expunge-result').on('click', '#lazy-expunge-undo', function () { undo(); });
    $('#lazy-expunge-list').on('change', '.lazy-expunge-all', function () {
        $(this).closest('section').find('.lazy-expunge-one').prop('checked', this.checked);
        selection_changed();
    }).on('change', '.lazy-expunge-one', function () {
        var section = $(this).closest('section');
        if (!this.checked) {
            section.find('.lazy-expunge-all').prop('checked', false);
        } else if (!section.find('.lazy-expunge-one:not(:checked), .lazy-expunge-more').length) {
            section.find('.lazy-expunge-all').prop('checked', true);
        }
        selection_changed();
    }).on('click', '.lazy-expunge-more', function () {
        more($(this).closest('section'));
    }).on('click', '.lazy-expunge-restore-group', function () {
        var group = $(this).closest('section').data('group');
        start([{storage: group.mailbox, uids: group.all.slice()}], found.validity);
    }).on('click', '.lazy-expunge-subject', function () {
        preview($(this).closest('section'), $(this).closest('li'));
    });

    if (rcmail.env.lazy_expunge_error) {
        $('#lazy-expunge-form').hide();
        fail_list(rcmail.env.lazy_expunge_error);
    } else if (rcmail.env.lazy_expunge) {
        read_filter();
        load(1);
    }
});
