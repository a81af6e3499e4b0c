// How many topics one subscription may name, whatever it comes by, and what they cost.
#pragma once

#include "wire/board.hpp"
#include "wire/result.hpp"

namespace stadion::net {

inline constexpr std::size_t topics_max = 1000;
inline constexpr std::size_t topic_bytes_max = 64 * 1024; // together

// INVALID_ARGUMENT, saying what to do; `found` is what there was instead.
wire::error too_many_topics(const std::string& found);

// The filter of so many topics as a request names. Too many cost no more than counting them.
template <typename Topics>
wire::result<wire::topic_filter> filter_of(const Topics& topics) {
    std::size_t bytes = 0;
    for (const std::string& topic : topics) bytes += topic.size();
    const auto count = static_cast<std::size_t>(topics.size());
    if (count > topics_max || bytes > topic_bytes_max)
        return too_many_topics(std::to_string(count) + " of " + std::to_string(bytes) + " bytes");
    return wire::topic_filter({topics.begin(), topics.end()});
}

// About how many bytes a subscription keeps for them.
std::size_t memory_of(const wire::topic_filter& filter) noexcept;

} // namespace stadion::net
