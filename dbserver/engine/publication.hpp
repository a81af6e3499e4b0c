// What has been published: the retained events, and the sinks they go to.
//
// Threads: publish is called by the journal thread alone; the rest by any thread. A sink runs with the lock
// that ending its subscription takes, so that an ended one is not running.
#pragma once

#include "dbserver/table/store.hpp"

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace stadion::dbserver {

class publication {
public:
    // Holds the last `events_max` events, as far as their states have about `bytes_max` together.
    explicit publication(std::size_t events_max, std::size_t bytes_max = 256 << 20)
        : events_max_(events_max), bytes_max_(bytes_max) {}

    // What is not after this commit is not retained.
    void begin_after(std::uint64_t sequence);
    void publish(std::span<const event> batch);
    void remember(std::span<const event> batch); // without telling anyone

    subscription watch(sink to);
    std::optional<std::vector<event>> since(std::uint64_t sequence, std::size_t limit) const;
    // The retained event of that commit.
    std::optional<event> find(std::uint64_t sequence) const;

private:
    struct listeners {
        std::mutex lock;
        std::map<std::uint64_t, sink> sinks;
        std::uint64_t next_id = 0;
    };

    const std::size_t events_max_;
    const std::size_t bytes_max_;
    mutable std::mutex lock_;
    std::deque<event> events_; // without gaps, the first being the commit `first_`
    std::size_t bytes_ = 0;
    std::uint64_t first_ = 1;
    std::shared_ptr<listeners> listeners_ = std::make_shared<listeners>();
};

} // namespace stadion::dbserver
