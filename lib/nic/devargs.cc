#include "nic/devargs.h"

#include <cstddef>

namespace mayfly::nic {

std::string_view device_name(std::string_view devargs) {
  return devargs.substr(0, devargs.find(','));
}

std::string_view device_argument(std::string_view devargs, std::string_view key) {
  while (true) {
    const std::size_t comma = devargs.find(',');
    if (comma == std::string_view::npos) return {};
    devargs.remove_prefix(comma + 1);
    const std::string_view pair = devargs.substr(0, devargs.find(','));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == key)
      return pair.substr(equals + 1);
  }
}

std::string with_argument(std::string_view devargs, std::string_view key, std::string_view value) {
  std::string result(device_name(devargs));
  devargs.remove_prefix(result.size());
  while (!devargs.empty()) {
    devargs.remove_prefix(1);  // the comma
    const std::string_view pair = devargs.substr(0, devargs.find(','));
    devargs.remove_prefix(pair.size());
    if (pair.substr(0, pair.find('=')) != key) (result += ',') += pair;
  }
  return ((((result += ',') += key) += '=') += value);
}

bool is_pci_address(std::string_view devargs) {
  const std::string_view name = device_name(devargs);
  return name.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos &&
         name.find(':') != std::string_view::npos && name.find('.') != std::string_view::npos;
}

}  // namespace mayfly::nic
