// How many topics one subscription may name, by whatever protocol, and how much memory they cost.
#pragma once

#include "net/board/live_board.hpp"
#include "wire/result.hpp"

namespace stadion::net {

inline constexpr std::size_t topics_max = 1000;
inline constexpr std::size_t topic_bytes_max = 64 * 1024; // of all topics together

// INVALID_ARGUMENT, with advice; `found` describes what the request named.
wire::error too_many_topics(const std::string& found);

// A subscription to the topics that a request names. Too many of them are counted but not copied.
template <typename Topics>
wire::result<live_board::request> subscription_to(const Topics& topics) {
    std::size_t bytes = 0;
    for (const std::string& topic : topics) bytes += topic.size();
    const auto count = static_cast<std::size_t>(topics.size());
    if (count > topics_max || bytes > topic_bytes_max)
        return too_many_topics(std::to_string(count) + " of " + std::to_string(bytes) + " bytes");
    live_board::request wanted;
    wanted.filter = wire::topic_filter({topics.begin(), topics.end()});
    return wanted;
}

// About how many bytes a subscription keeps for its topics.
std::size_t memory_of(const wire::topic_filter& filter) noexcept;

} // namespace stadion::net
