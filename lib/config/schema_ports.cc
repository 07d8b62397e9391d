#include "config/schema_ports.h"

#include <functional>

#include "base/burst.h"
#include "config/forms.h"
#include "config/schema_shard.h"

namespace mayfly::config {
namespace {

Schema<link::FaultSettings> fault_schema() {
  return link_schema() +
         Schema<link::FaultSettings>{{"seed", &link::FaultSettings::seed, number<std::uint64_t>(0),
                                      "the same seed gives the same faults"}};
}

Schema<link::ArpSettings> arp_schema() {
  return {
      {"trust", &link::ArpSettings::trust, boolean(),
       "accept a neighbour's new MAC address at once; otherwise its old one is asked first, for "
       "150 ms"}};
}

Schema<nic::ExceptionSettings> exception_schema() {
  using E = nic::ExceptionSettings;
  return {
      {required("device"), &E::device, device(),
       "its device, such as `net_tap0,iface=mayfly0`: what is not ours goes there, and what comes "
       "from there goes out of the port"},
      {"rate", &E::rate, count<std::uint32_t>(1, 1'000'000), "most frames a second, each way"},
      {"burst", &E::burst, number<std::uint16_t>(1, kBurstMax),
       "most frames at each poll, each way"},
  };
}

/// Where there is none, it has no settings either: written back they would ask for a device.
Form<nic::ExceptionSettings> exception_map() {
  Form<nic::ExceptionSettings> form = map(exception_schema());
  form.describe = [all = form.describe](const nic::ExceptionSettings& exception,
                                        const std::string& path, std::vector<KeyValue>& values) {
    if (exception.any()) all(exception, path, values);
  };
  return form;
}

}  // namespace

KeyName required_with_devices(const char* name, Wiring wiring) {
  return wiring == Wiring::devices ? required(name) : name;
}

Schema<link::FaultSettings> link_schema() {
  return {
      {"loss", &link::FaultSettings::loss, probability(), "share of frames that are lost"},
      {"duplicate", &link::FaultSettings::duplicate, probability(),
       "share of frames that arrive twice"},
      {"corrupt", &link::FaultSettings::corrupt, probability(),
       "share of frames with a flipped bit"},
      {"reorder", &link::FaultSettings::reorder, probability(),
       "share of frames that others overtake"},
      {"delay", &link::FaultSettings::delay, duration_or_zero({1}, 10_s),
       "delay of each frame, in each direction"},
      {"jitter", &link::FaultSettings::jitter, duration_or_zero({1}, 10_s),
       "further delay of each frame, random, at most this long"},
  };
}

Schema<nic::PortSettings> port_schema(Wiring wiring) {
  Schema<nic::PortSettings> keys;
  if (wiring == Wiring::devices) {
    keys.push_back({required("device"), &nic::PortSettings::device, device(),
                    "the device to open, such as `net_af_packet0,iface=veth0`"});
  }
  return keys +
         Schema<nic::PortSettings>{
             {required_with_devices("addresses", wiring), std::identity{}, port_addresses(),
              "our addresses on this link; of `{range: A/PREFIX, arp: false}` nobody is told"},
             {"gateway", std::identity{}, port_gateway(), "next hop for hosts on other links"},
             {"mac", &nic::PortSettings::mac, maybe(mac()),
              "MAC address; by default the device's own"},
             {"arp", &nic::PortSettings::arp, map(arp_schema()), "resolution of neighbours"},
             {"detect_duplicates", &nic::PortSettings::detects_duplicates, boolean(),
              "whether IPv6 addresses are tentative for 1 s (RFC 4862); by default not of load"},
             {"vlan", &nic::PortSettings::vlan, number<std::uint16_t>(0, 4'094),
              "802.1Q tag; 0 = untagged"},
             {"mtu", &nic::PortSettings::mtu, number<std::uint16_t>(576, 1'500),
              "most bytes in an IP packet; at least 1280 with IPv6"},
             {"queues", &nic::PortSettings::queues, number<std::uint16_t>(0, 64),
              "queue pairs, at most one a core; 0 = one a core, or as many as the device has"},
             {"descriptors", &nic::PortSettings::descriptors, number<std::uint16_t>(0, 32'768),
              "frames in each ring; 0 = the default of the device"},
             {"exception", &nic::PortSettings::exception, exception_map(),
              "the kernel's part of the port: SSH, BGP, BFD, DHCP on the same card"},
             {"xdp", &nic::PortSettings::xdp,
              choice<nic::XdpMode>({{"all", nic::XdpMode::all}, {"share", nic::XdpMode::share}}),
              "what `net_af_xdp` takes of its queues: every frame, or those for our addresses; the "
              "kernel keeps the rest"},
             {"faults", &nic::PortSettings::faults, map(fault_schema()),
              "a faulty wire, for tests"},
             {"pcap", &nic::PortSettings::pcap, file_name("file"),
              "capture every frame to this file"},
         };
}

Schema<nic::LinksSettings> links_schema() {
  return {{"give_up", &nic::LinksSettings::give_up, duration_or_zero(1_ms, kWeek),
           "end with status 1 when no link has worked for so long; 0 = never"}};
}

}  // namespace mayfly::config
