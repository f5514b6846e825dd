require 'fileutils'
require_relative 'command'

module Vmnet
  # A lab file, and its network plane on this host. Vagrant works on machines in parallel: one at a time is let in.
  class Lab
    Options = Struct.new(:box, :yes, :prove, :addresses, keyword_init: true)

    @labs = {}

    class << self
      # Vagrant reads a Vagrantfile once for each machine: the lab is the same.
      def at(folder, file, **options)
        @labs[File.expand_path(file, folder)] ||= new(folder, file, Options.new(**options))
      end

      # The lab of a machine; nil where it has none.
      def of(machine)
        @labs.values.find { |lab| lab.vms.key?(machine.name.to_s) || lab.vms.empty? }
      end
    end

    attr_reader :file, :options

    # @param folder [String] that of the Vagrantfile
    def initialize(folder, file, options)
      @folder = folder
      @file = File.expand_path(file, folder)
      @options = options
      @lock = Mutex.new
      read
    end

    # The VMs that become machines, by name, as `vmnet validate --resolved` prints them.
    def vms
      all = @resolved ? @resolved['vms'] : {}
      all.select { |_, vm| vm['vagrant'] || options.box }
    end

    # Bring the network plane up, or to what the file says now: once in a run of Vagrant.
    def provision(machine)
      @lock.synchronize do
        raise Error, @trouble if @trouble

        @plane ||= provision_once(machine)
      rescue Error => e
        # The other machines of this run need not try again.
        @trouble = e.message
        raise
      end
    end

    # `{ "name", "accel", "interfaces": [{ "nic", "tap", "mac", "xml" }] }` of a machine; after provision.
    def cards(machine)
      @plane.find { |vm| vm['name'] == machine.name.to_s }
    end

    # Fail where a tap of this machine is another's: the kernel would say no more than "busy".
    def require_free_taps(machine, domain)
      status = Command.json!(*connect(machine), 'status', name)
      vm = status['vms'].find { |it| it['name'] == machine.name.to_s }
      vm['nics'].each do |nic|
        holder = nic['peer']
        next if holder.nil? || holder['domain'] == domain

        raise Error, busy(machine, nic['tap'], holder['domain'])
      end
    end

    # Measure the path of a machine's frames; returns the table.
    def prove(machine)
      @lock.synchronize do
        Command.text(*connect(machine), 'verify', name, '--vm', machine.name.to_s, '--timeout', '60')
      end
    end

    # Take the network plane down when the last machine is gone; returns what vmnet said, or nil.
    def take_down(machine)
      @lock.synchronize do
        left = machine.env.active_machines.map { |name, _| name.to_s }
        return nil if @down || name.nil? || (left & vms.keys).any?

        @down = true
        said = Command.text('destroy', name, '--network-only')
        FileUtils.rm_f(kept)
        said
      end
    end

    private

    def name
      @resolved && @resolved['name']
    end

    # A file that is not good any more must not keep anybody from destroying what is there: then the copy counts that was
    # kept when it was last provisioned, and up fails.
    def read
      answer = Command.json('validate', file, '--resolved')
      @trouble = Command.problem(answer['error']) if answer['error']
      @resolved = answer['resolved'] || (JSON.parse(File.read(kept)) if File.exist?(kept))
    rescue Error => e
      @trouble = e.message
    end

    def kept
      data = ENV['VAGRANT_DOTFILE_PATH'] || '.vagrant'
      File.expand_path(File.join(data, 'vmnet', File.basename(file)), @folder)
    end

    def provision_once(machine)
      FileUtils.mkdir_p(File.dirname(kept))
      File.write(kept, JSON.generate(@resolved))
      yes = options.yes ? ['--yes'] : []
      said = Command.text('provision', file, '--network-only', *yes)
      machine.ui.info("vmnet: #{said.strip.lines.last}")
      Command.json!(*connect(machine), 'xml', file, '--interfaces')['vms']
    end

    def connect(machine)
      ['--connect', machine.provider_config.uri]
    end

    def busy(machine, tap, domain)
      return <<~TEXT.strip if domain
        vmnet: the tap #{tap} of #{machine.name} is in use by the domain #{domain}
        A tap serves one guest. Stop that one (virsh destroy #{domain}), or give the NIC another "tap" in #{file}.
      TEXT
      <<~TEXT.strip
        vmnet: the tap #{tap} of #{machine.name} is busy: a process that libvirt does not know has it open
        End that process; this finds it: grep -ls 'iff:.*#{tap}' /proc/[0-9]*/fdinfo/*
      TEXT
    end
  end
end
