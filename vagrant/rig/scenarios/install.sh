# As a new user: the README's own command in the unpacked source, then the package itself.
. "$(dirname "$0")/common.sh"
say 'the README: npm run quickstart, as a user who is not root'
run su - vagrant -c 'cd vmnet && npm run quickstart'
say 'the package, as npm pack has made it'
run npm install --global --ignore-scripts /home/vagrant/payload/vmnet.tgz
run vmnet --version
say 'set-up, from the package: nothing is missing'
run sh "$(npm root --global)/vmnet/scripts/setup.sh"
say 'doctor, with systemd, a kernel with all modules, and libvirtd that its socket starts'
run vmnet doctor
