#include "net/board/topic_limits.hpp"

namespace stadion::net {
namespace {

constexpr std::size_t copies = 3; // the subscription's, its group's, the request's

} // namespace

wire::error too_many_topics(const std::string& found) {
    return wire::make_error(wire::status::invalid_argument,
                            "a subscription names at most 1,000 topics of 64 KiB together, not " + found +
                                "; a topic may stand for many, as games/* does");
}

std::size_t memory_of(const wire::topic_filter& filter) noexcept {
    std::size_t bytes = 0;
    for (const auto& topic : filter.topics())
        bytes += sizeof(std::string) + sizeof(std::uint32_t) + topic.size();
    return copies * bytes;
}

} // namespace stadion::net
