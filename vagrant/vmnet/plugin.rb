require_relative 'machine'

module Vmnet
  # A step of Vagrant's own actions; machines without a lab pass through.
  class Step
    def initialize(app, _env)
      @app = app
    end
  end

  # Before all else: the network plane, and how the machine will run.
  class Provision < Step
    def call(env)
      machine = env[:machine]
      lab = Lab.of(machine)
      # Reloading what was never up does nothing.
      if lab && (machine.id || env[:action_name] == :machine_action_up)
        lab.provision(machine)
        Machine.use_accel(machine, lab.cards(machine)['accel'])
      end
      @app.call(env)
    end
  end

  # Before the domain starts: its cards.
  class Attach < Step
    def call(env)
      machine = env[:machine]
      lab = Lab.of(machine)
      if lab
        domain = machine.provider.driver.connection.client.lookup_domain_by_uuid(machine.id)
        lab.require_free_taps(machine, domain.name)
        Machine.attach(domain, lab.cards(machine)['interfaces'])
      end
      @app.call(env)
    end
  end

  # When the machine is up: its addresses, and the proof.
  class Prove < Step
    def call(env)
      @app.call(env)
      machine = env[:machine]
      lab = Lab.of(machine)
      return if lab.nil? || env[:interrupted] || machine.state.id != :running

      Machine.give_addresses(machine, lab.vms[machine.name.to_s]['nics']) if lab.options.addresses
      machine.ui.detail(lab.prove(machine)) if lab.options.prove
    end
  end

  # After the last machine is gone: the network plane goes.
  class TakeDown < Step
    def call(env)
      @app.call(env)
      said = Lab.of(env[:machine])&.take_down(env[:machine])
      env[:machine].ui.info("vmnet: #{said.strip.lines.last}") if said
    end
  end

  # The only places where Vagrant is hooked into.
  class Plugin < Vagrant.plugin('2')
    name 'vmnet'

    %i[machine_action_up machine_action_reload].each do |action|
      action_hook(:vmnet, action) do |hook|
        hook.prepend(Provision)
        hook.before(VagrantPlugins::ProviderLibvirt::Action::StartDomain, Attach)
        hook.append(Prove)
      end
    end

    action_hook(:vmnet, :machine_action_destroy) { |hook| hook.append(TakeDown) }
  end
end
