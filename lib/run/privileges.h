// The rights of a process that it needs no more once its devices are open.
#pragma once

namespace mayfly::run {

/// The calling thread, and those that it makes from now on, give up all Linux capabilities for
/// good. Files are then opened by the rights of the user alone.
void give_up_capabilities();

}  // namespace mayfly::run
