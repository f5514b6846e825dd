require 'json'
require 'open3'

module Vmnet
  # Something that vmnet has to say, which ends Vagrant's action.
  class Error < Vagrant::Errors::VagrantError
    def initialize(text)
      @text = text
      super()
    end

    def error_message
      @text
    end
  end

  # Runs the command line of vmnet, as root.
  module Command
    BUILT = File.expand_path('../../dist/cli.js', __dir__)
    KEPT = %w[PATH LIBVIRT_DEFAULT_URI VMNET_STATE_DIR VMNET_CACHE_DIR].freeze

    module_function

    # What vmnet prints for people; a failure is raised with all of it.
    def text(*words)
      output, status = Open3.capture2e(*argv(words))
      raise Error, failure(words, status, output) unless status.success?

      output
    rescue Errno::ENOENT => e
      raise Error, missing(e)
    end

    # The document that `vmnet --json` prints, be it of a failure.
    def json(*words)
      output, errors, = Open3.capture3(*argv(['--json', *words]))
      JSON.parse(output)
    rescue JSON::ParserError
      raise Error, "vmnet #{words.join(' ')} did not answer:\n#{output}#{errors}"
    rescue Errno::ENOENT => e
      raise Error, missing(e)
    end

    # The same, where a failure is raised.
    def json!(*words)
      answer = json(*words)
      raise Error, problem(answer['error']) if answer['error']

      answer
    end

    def problem(error)
      ["vmnet: #{error['message']}", error['hint']].compact.join("\n")
    end

    # sudo keeps no variables, so they are handed over.
    def argv(words)
      return [*program, *words] if Process.uid.zero?

      kept = ENV.slice(*KEPT).map { |name, value| "#{name}=#{value}" }
      ['sudo', 'env', *kept, *program, *words]
    end

    # $VMNET, else the folder that this file is in, else whatever is on the PATH.
    def program
      return [ENV['VMNET']] if ENV['VMNET']

      File.exist?(BUILT) ? ['node', BUILT] : ['vmnet']
    end

    def failure(words, status, output)
      verb = words.find { |word| !word.start_with?('-') }
      how = status.exitstatus == 130 ? 'was interrupted' : "failed (exit code #{status.exitstatus || status})"
      "vmnet #{verb} #{how}:\n\n#{output.strip}"
    end

    def missing(error)
      "vmnet cannot be run: #{error.message}\nInstall it, or name it in the variable VMNET."
    end
  end
end
