// Short ways for tests to make mutations, and a clock that a test sets.
#pragma once

#include "dbserver/table/store.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

namespace stadion::test {

inline v1::Mutation set_points(const std::string& game, const std::map<std::string, std::int32_t>& points,
                               const std::string& key = {}) {
    v1::Mutation mutation;
    mutation.set_idempotency_key(key);
    mutation.mutable_update_score()->set_game(game);
    for (const auto& [who, count] : points) (*mutation.mutable_update_score()->mutable_points())[who] = count;
    return mutation;
}

inline v1::Mutation add_medal(const std::string& team, const std::string& medal, std::int32_t by = 1,
                              const std::string& key = {}) {
    v1::Mutation mutation;
    mutation.set_idempotency_key(key);
    mutation.mutable_increment_medal()->set_team(team);
    mutation.mutable_increment_medal()->set_medal(medal);
    mutation.mutable_increment_medal()->set_by(by);
    return mutation;
}

inline v1::Mutation expecting(std::uint32_t version, v1::Mutation mutation) {
    mutation.set_expect_version(version);
    return mutation;
}

class manual_clock {
public:
    std::int64_t now() const { return now_us_.load(); }
    void advance(std::int64_t us) { now_us_ += us; }
    dbserver::clock_us function() {
        return [this] { return now(); };
    }

private:
    std::atomic<std::int64_t> now_us_{1'700'000'000'000'000};
};

} // namespace stadion::test
