// What a link has to do with requests besides sending them: their metadata, and those that wait for a
// connection.
//
// Threading: the link's worker. Bounds of what waits: a number of calls and of bytes; both are counted as
// bytes that the process holds.
#pragma once

#include "net/os/memory_budget.hpp"
#include "wire/result.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace stadion::net {

struct call_options;

// Empty when there is nothing to say.
std::string encode_metadata(const call_options& options);

// Calls that wait for a connection, in the order they were made.
class waiting_calls {
public:
    struct one {
        std::uint64_t id;
        std::uint16_t method;
        std::string metadata;
        std::string body;
        std::chrono::steady_clock::time_point deadline_at;
        std::size_t size() const noexcept { return sizeof(one) + metadata.size() + body.size(); }
    };
    using queue = std::map<std::uint64_t, one>;

    waiting_calls(std::size_t count_max, std::size_t bytes_max)
        : count_max_(count_max), bytes_max_(bytes_max) {}

    // Whether one more with so many bytes may wait.
    bool has_room(std::size_t bytes) const noexcept;
    // "3 calls of 900 bytes"
    std::string text() const;

    // Answers its place, for `remove`.
    std::uint64_t add(one call);
    void remove(std::uint64_t place);
    queue take_all();

private:
    const std::size_t count_max_;
    const std::size_t bytes_max_;
    queue waiting_;
    std::uint64_t next_place_ = 0;
    held_bytes bytes_;
};

} // namespace stadion::net
