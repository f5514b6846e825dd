require 'rexml/document'

module Vmnet
  # One machine: how it is configured, and the network cards of its domain.
  module Machine
    # libvirt's VIR_DOMAIN_XML_INACTIVE and VIR_DOMAIN_AFFECT_CONFIG.
    INACTIVE = 2
    CONFIG = 2

    module_function

    def configure(node, vm, box)
      node.vm.box = (vm['vagrant'] || {})['box'] || box
      node.vm.provider :libvirt do |libvirt|
        libvirt.memory = mebibytes(vm['memory'])
        libvirt.cpus = vm['vcpus']
        libvirt.graphics_type = 'none'
      end
    end

    # vmnet has tried whether KVM works; a device that is there need not.
    def use_accel(machine, accel)
      config = machine.provider_config
      config.driver = accel == 'kvm' ? 'kvm' : 'qemu'
      return if accel == 'kvm'

      config.cpu_mode = 'custom'
      config.cpu_model = 'qemu64'
    end

    # Give a domain that does not run the cards of its lab, each on its own tap. They come behind Vagrant's own card, and
    # those that are there already stay.
    def attach(domain, cards)
      present = ours(domain)
      wanted = cards.to_h { |card| [[card['mac'], card['tap']], card['xml']] }
      present.reject { |key, _| wanted.key?(key) }.each_value { |xml| domain.detach_device(xml, CONFIG) }
      wanted.reject { |key, _| present.key?(key) }.each_value { |xml| domain.attach_device(xml, CONFIG) }
    end

    # Cards on a tap that libvirt does not manage, by MAC and tap.
    def ours(domain)
      xml = REXML::Document.new(domain.xml_desc(INACTIVE))
      found = REXML::XPath.match(xml, "/domain/devices/interface[target/@managed='no']")
      found.to_h { |card| [[card.elements['mac'].attributes['address'], card.elements['target'].attributes['dev']], card.to_s] }
    end

    # Give a guest that has booted its addresses; MACs and CIDRs were checked by vmnet.
    def give_addresses(machine, nics)
      script = nics.flat_map { |nic| address_lines(nic['mac'], Array(nic['address'])) }
      machine.communicate.sudo(script.join("\n"))
    end

    def address_lines(mac, cidrs)
      [
        "dev=$(grep -lix '#{mac}' /sys/class/net/*/address | head -n 1)",
        "dev=${dev%/address} dev=${dev##*/}",
        '[ -n "$dev" ] || exit 1',
        'ip link set dev "$dev" up || exit 1',
        *cidrs.map do |cidr|
          "ip addr add '#{cidr}' dev \"$dev\" 2> /dev/null || ip addr show dev \"$dev\" | grep -qF '#{cidr}' || exit 1"
        end
      ]
    end

    # `512MiB` or `1GiB`, as vmnet prints sizes.
    def mebibytes(size)
      number, unit = size.match(/\A(\d+)(MiB|GiB|TiB)\z/).captures
      number.to_i * { 'MiB' => 1, 'GiB' => 1024, 'TiB' => 1024**2 }[unit]
    end
  end
end
