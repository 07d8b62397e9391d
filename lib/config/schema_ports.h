// The keys of network devices and links. Part of schema.h.
#pragma once

#include "config/form.h"
#include "config/schema.h"
#include "link/settings.h"
#include "nic/settings.h"

namespace mayfly::config {

/// A key that must be there, unless the lab sets it itself.
KeyName required_with_devices(const char* name, Wiring wiring);
/// A wire without its seed.
Schema<link::FaultSettings> link_schema();
Schema<nic::PortSettings> port_schema(Wiring wiring);
Schema<nic::LinksSettings> links_schema();

}  // namespace mayfly::config
