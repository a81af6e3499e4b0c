// Lines of the log that somebody outside can cause: at most so many in a while, then the number of those left
// out.
//
// What such a line says of its cause is escaped and bounded here, so that no peer writes the log.
// Threading: any thread; a line left out costs one atomic operation.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace stadion::net {

class limited_log {
public:
    using clock = std::chrono::steady_clock;

    explicit constexpr limited_log(std::chrono::milliseconds every = std::chrono::seconds{1},
                                   std::uint64_t lines_max = 1) noexcept
        : every_(every), lines_max_(lines_max) {}

    // The text is ours; `from_outside` is put behind it.
    void warn(std::string_view text, std::string_view from_outside = {}) noexcept;
    void info(std::string_view text, std::string_view from_outside = {}) noexcept;

    // Whether a line may be written now, and if so how many were left out before it.
    bool admits(clock::time_point now, std::uint64_t& left_out) noexcept;

private:
    const std::chrono::milliseconds every_;
    const std::uint64_t lines_max_;
    std::atomic<clock::rep> next_at_{0};
    std::atomic<std::uint64_t> lines_{0}; // since then
    std::atomic<std::uint64_t> left_out_{0};
};

// Sends what libprotobuf complains of to our log, rarely: its own way is a line with the offending bytes on
// stderr for each string that is not UTF-8, before a caller has even said HELLO. Once, in main.
void take_over_protobuf_log();

} // namespace stadion::net
