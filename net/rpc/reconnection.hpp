// Which address to try next, and when.
//
// The first round through all addresses goes without a pause; then exponential back-off with full jitter, so
// that a thousand clients do not come back as one. Source: Brooker, "Exponential Backoff And Jitter", 2015.
//
// Pure: chance comes in as an argument. One owner.
#pragma once

#include <chrono>
#include <random>
#include <string>
#include <vector>

namespace stadion::net {

class reconnection {
public:
    reconnection(std::chrono::milliseconds first, std::chrono::milliseconds max) : first_(first), max_(max) {}

    // Begins anew with the first of them.
    void set_addresses(std::vector<std::string> addresses);
    bool is_empty() const noexcept { return addresses_.empty(); }
    // Whether the address of the current or last attempt is one of them.
    bool includes_current() const noexcept;

    // The address of the next attempt, which is the current one from then on.
    const std::string& attempt();
    const std::string& current() const noexcept { return current_; }

    // What became of the current address: it serves; it does not; it will not for long.
    void serves() noexcept { failures_ = 0; }
    void fails() noexcept { ++failures_, ++next_; }
    void leaves() noexcept { ++next_; }

    // Until the next attempt; 0: at once.
    template <typename Random>
    std::chrono::milliseconds pause(Random& random) const {
        if (failures_ < addresses_.size()) return std::chrono::milliseconds{0};
        std::uniform_int_distribution<std::int64_t> spread(first_.count() / 2, longest_pause().count());
        return std::chrono::milliseconds(spread(random));
    }

private:
    std::chrono::milliseconds longest_pause() const noexcept;

    const std::chrono::milliseconds first_;
    const std::chrono::milliseconds max_;
    std::vector<std::string> addresses_;
    std::size_t next_ = 0;
    std::uint32_t failures_ = 0; // in a row
    std::string current_;
};

} // namespace stadion::net
