#include "net/rpc/call.hpp"

#include "net/tcp/connection.hpp"

#include <google/protobuf/message_lite.h>

namespace stadion::net {

void reply_sink::reply(const google::protobuf::MessageLite& message) { reply(message.SerializeAsString()); }

bool call::read_metadata() {
    if (std::exchange(metadata_parsed_, true) || raw_metadata_.empty()) return true;
    return metadata_.ParseFromArray(raw_metadata_.data(), static_cast<int>(raw_metadata_.size()));
}

const v1::Metadata& call::metadata() {
    read_metadata();
    return metadata_;
}

worker& call::home() noexcept { return link_.home(); }

std::chrono::milliseconds pending_call::time_left() const noexcept {
    const auto left = deadline_at_ - deadline_wheel::clock::now();
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left),
                    std::chrono::milliseconds{0});
}

} // namespace stadion::net
