// The key-value server of key_value.h on the devices of a configuration file.
#include "key_value.h"

#include <memory>

#include "run/program.h"

int main(int argc, char** argv) {
  return mayfly::run::run_program<example::KeyValueApp>(
      argc, argv, [](const mayfly::config::ProgramSettings& settings) {
        return std::make_unique<example::KeyValueApp>(6'380, settings.connections.capacity, 65'536);
      });
}
