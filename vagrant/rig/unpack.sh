#!/bin/sh
# In the rig's machine, as root: what payload.sh has put together is laid where a user would have it.
set -eu
cd /home/vagrant/payload
install -d -o vagrant /opt/npm
tar -C /opt/npm -xf npm.tar
{ cat npmrc && echo cache=/opt/npm; } > /etc/npmrc
rm -rf /home/vagrant/vmnet
mkdir /home/vagrant/vmnet
tar -C /home/vagrant/vmnet -xf suite.tar
chown -R vagrant: /home/vagrant/vmnet /opt/npm
# What is left of a machine that was made before.
rm -f npm.tar
