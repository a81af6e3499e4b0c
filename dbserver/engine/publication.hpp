// Published events: those retained for resuming, and the sinks that receive new ones.
//
// Threads: publish is called by the journal thread only, the rest by any thread. A sink runs with the lock
// that ending its subscription takes. So a sink is not running once its subscription has ended.
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
    // Retains the last `events_max` events, and fewer when their states have more than about `bytes_max`.
    explicit publication(std::size_t events_max, std::size_t bytes_max = 256 << 20)
        : events_max_(events_max), bytes_max_(bytes_max) {}

    // Drops the events up to this commit.
    void begin_after(std::uint64_t sequence);
    void publish(std::span<const event> batch);
    void retain(std::span<const event> batch); // without calling the sinks

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
    std::deque<event> events_; // without gaps; the first is that of the commit `first_`
    std::size_t bytes_ = 0;
    std::uint64_t first_ = 1;
    std::shared_ptr<listeners> listeners_ = std::make_shared<listeners>();
};

} // namespace stadion::dbserver
