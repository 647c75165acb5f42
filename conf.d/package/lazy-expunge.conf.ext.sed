# what the head of the file says where it was put by a package
s|^# Put this file into /etc/dovecot/conf.d/ and restart Dovecot. It works as it is.$|# In force once 90-lazy-expunge.conf beside this file is turned on and Dovecot is restarted. It works as it is.|
