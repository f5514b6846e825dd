# Vagrant machines on the bridges of a vmnet lab. In a Vagrantfile:
#
#   require_relative 'vmnet'
#   Vagrant.configure('2') { |config| Vmnet.lab(config, 'lab.json') }
#
# README.md beside this file tells the rest.
require_relative 'vmnet/lab'
require_relative 'vmnet/plugin'

module Vmnet
  # Define a machine for each VM of a lab that has "vagrant": { "box": … }, or for all with `box:`.
  #
  # @param config [Vagrant::Config] what Vagrant.configure hands over
  # @param file [String] the lab file, relative to the Vagrantfile
  # @param box [String] the box of VMs that name none
  # @param yes [Boolean] go on where vmnet would ask: `vmnet provision --yes`
  # @param prove [Boolean] measure the path of the frames after each up and reload; up fails where it is not as it should be
  # @param addresses [Boolean] give the guests the addresses that the lab says, over Vagrant's own connection
  # @yield [node, vm] each machine's config and its part of the lab, for what is to be said beside
  def self.lab(config, file, box: nil, yes: false, prove: true, addresses: true)
    folder = File.dirname(caller_locations(1, 1).first.absolute_path)
    lab = Lab.at(folder, file, box: box, yes: yes, prove: prove, addresses: addresses)
    lab.vms.each do |name, vm|
      config.vm.define(name) do |node|
        Machine.configure(node, vm, box)
        yield node, vm if block_given?
      end
    end
  end
end
