#include "config/read.h"

#include <algorithm>
#include <filesystem>

#include "config/rules.h"
#include "config/schema.h"

namespace mayfly {
namespace {

/// The parts that follow from others unless they are given.
void derive(CommonSettings& settings, const Scope& scope) {
  constexpr int kHeaderBytes = 40;
  if (scope.has("tcp.mss")) return;
  for (const PortSettings& port : settings.ports) {
    settings.tcp.mss =
        std::min(settings.tcp.mss, static_cast<std::uint16_t>(port.mtu - kHeaderBytes));
  }
}

void derive(ServeSettings& settings, const Scope& scope, const std::string& file) {
  derive(static_cast<CommonSettings&>(settings), scope);
  const std::filesystem::path base = std::filesystem::path(file).parent_path();
  for (RouteSettings& route : settings.http.routes) {
    if (route.folder) route.folder = (base / *route.folder).lexically_normal().string();
  }
}

void derive(LoadSettings& settings, const Scope& scope) {
  derive(static_cast<CommonSettings&>(settings), scope);
  if (scope.has("sources.addresses") || settings.ports.empty()) return;
  const auto& addresses = settings.ports[0].addresses;
  if (addresses.empty()) return;
  settings.sources.first = addresses[0].first;
  settings.sources.last = addresses[0].last;
}

LabSettings lab_defaults() {
  LabSettings lab;
  lab.server.cores = {0};
  lab.server.listen = {ListenSettings{}};
  lab.client.cores = {1};
  return lab;
}

/// The lab's only port of one end, at `address` unless the file says where.
void derive_port(CommonSettings& settings, const Scope& scope, const InterfaceAddress& address) {
  if (!scope.has("ports")) settings.ports.resize(1);
  if (!settings.ports.empty() && !scope.has("ports.0.addresses")) {
    settings.ports[0].addresses = {address};
  }
}

void derive(LabSettings& lab, const Scope& server, const Scope& client, const std::string& file) {
  constexpr Ipv4Address kServer{0xc6120001}, kClientFirst{0xc6120101}, kClientLast{0xc6120164};
  derive_port(lab.server, server, {kServer, kServer, 15});
  derive_port(lab.client, client, {kClientFirst, kClientLast, 15});
  derive(lab.server, server, file);
  derive(lab.client, client);
  if (!client.has("target.address") && !lab.server.ports.empty() &&
      !lab.server.ports[0].addresses.empty()) {
    lab.client.target.address = lab.server.ports[0].addresses[0].first;
  }
  if (!client.has("target.port") && !lab.server.listen.empty()) {
    lab.client.target.port = lab.server.listen[0].port;
  }
  if (!client.has("hugepages")) lab.client.hugepages = lab.server.hugepages;
}

void finish(ServeSettings& settings, const Value& root, Report& report, const std::string& file) {
  const Scope scope(root, "", report);
  derive(settings, scope, file);
  check_rules(settings, scope);
}

void finish(LoadSettings& settings, const Value& root, Report& report, const std::string&) {
  const Scope scope(root, "", report);
  derive(settings, scope);
  check_rules(settings, scope);
}

void finish(LabSettings& settings, const Value& root, Report& report, const std::string& file) {
  const Scope lab(root, "", report), server(root, "server", report), client(root, "client", report);
  derive(settings, server, client, file);
  check_rules(settings, lab, server, client);
}

template <class T>
Loaded<T> read(const std::string& path, std::span<const std::string> overrides, T settings,
               const Form<T>& form) {
  Report report(path);
  Loaded<T> loaded;
  if (const std::optional<Value> root = read_document(path, overrides, report)) {
    form.read(Cursor{*root, "", report}, settings);
    finish(settings, *root, report, path);
    if (report.empty()) loaded.settings = std::move(settings);
  }
  loaded.errors = report.take();
  return loaded;
}

}  // namespace

Loaded<ServeSettings> read_serve_settings(const std::string& path,
                                          std::span<const std::string> overrides) {
  static const Form<ServeSettings> form = map(serve_schema());
  return read(path, overrides, ServeSettings{}, form);
}

Loaded<LoadSettings> read_load_settings(const std::string& path,
                                        std::span<const std::string> overrides) {
  static const Form<LoadSettings> form = map(load_schema());
  return read(path, overrides, LoadSettings{}, form);
}

Loaded<LabSettings> read_lab_settings(const std::string& path,
                                      std::span<const std::string> overrides) {
  static const Form<LabSettings> form = map(lab_schema());
  return read(path, overrides, lab_defaults(), form);
}

}  // namespace mayfly
