// Requests that are answered later: what `Prefer: respond-async` began, and how it ended.
//
// An operation is kept for some minutes after its end. There are at most `count_max`: the oldest that have
// ended make room, and while all still run nothing new begins. Time comes in. Threading: any thread, one
// lock.
#pragma once

#include "wire/result.hpp"

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace stadion::dispatcher {

class operations {
public:
    using time_point = std::chrono::steady_clock::time_point;

    struct answer {
        unsigned status = 200;
        std::string content_type;
        std::string body;
        std::vector<std::pair<std::string, std::string>> headers;
    };

    struct settings {
        std::size_t count_max = 1000;
        std::size_t bytes_max = 64 << 20; // of all answers kept
        std::chrono::milliseconds keep_for{std::chrono::minutes(5)};
    };

    // `make_id` returns names that cannot be guessed.
    operations(settings limits, std::function<std::string()> make_id);

    // RESOURCE_EXHAUSTED, with when to try again, while too many are running.
    wire::result<std::string> begin(time_point now);
    void end(const std::string& id, answer result, time_point now);

    struct state {
        std::optional<answer> result; // none while it runs
    };
    // Nothing for an id that never was, or is no longer kept.
    std::optional<state> find(const std::string& id, time_point now);

private:
    struct entry {
        std::optional<answer> result;
        std::list<std::string>::iterator place; // in `ended_`
        time_point ended_at{};
    };
    void forget_old(time_point now);
    void forget_first();

    const settings limits_;
    std::function<std::string()> make_id_;
    std::mutex mutex_;
    std::map<std::string, entry> entries_;
    std::list<std::string> ended_; // in order of their ends
    std::size_t bytes_ = 0;
};

} // namespace stadion::dispatcher
