# As a new user: the unpacked source is set up, compiled and tried, then the package itself is installed. The quickstart's
# guests are emulated; in here, where everything is emulated already, they would take longer than it waits.
. "$(dirname "$0")/common.sh"
say 'set-up as in the README, by a user who is not root'
run su - vagrant -c 'cd vmnet && sh scripts/setup.sh'
check 'the second run has nothing to do' [ "$(su - vagrant -c 'cd vmnet && sh scripts/setup.sh')" = 'set-up: everything is there' ]
say 'a rehearsal of namespaces over a bridge: nothing here is touched'
remember
run node /home/vagrant/vmnet/dist/cli.js rehearse /home/vagrant/vmnet/templates/labs/namespaces.json
check 'the host is as it was' same
say 'the package, as npm pack has made it'
run npm install --global --ignore-scripts /home/vagrant/payload/vmnet.tgz
run vmnet --version
say 'set-up, from the package: nothing is missing'
run sh "$(npm root --global)/vmnet/scripts/setup.sh"
say 'doctor, with systemd, a kernel with all modules, and libvirtd that its socket starts'
run vmnet doctor
