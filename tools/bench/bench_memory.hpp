// What an idle connection costs a server in resident memory.
#pragma once

#include "wire/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace stadion::tools {

struct memory_load {
    std::string address;
    int pid = 0; // of the server
    std::size_t connections = 10'000;
    std::string greeting; // what each connection sends; then an answer to it is waited for
};

// Bytes per connection. FAILED_PRECONDITION when the limit on descriptors is too low for it, NOT_FOUND
// without the pid.
wire::result<double> measure_idle_memory(const memory_load& load);

// Resident bytes of a process; 0 when they are not known.
std::size_t resident_bytes(int pid);

// Raises the limit on descriptors as far as is allowed; what it is then.
std::size_t raise_descriptor_limit();

} // namespace stadion::tools
