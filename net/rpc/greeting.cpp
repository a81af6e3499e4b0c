#include "net/rpc/greeting.hpp"

#include "net/rpc/access.hpp"
#include "net/rpc/link.hpp"
#include "net/rpc/server_proof.hpp"

namespace stadion::net {
namespace {

void append_hello(std::string& out, const link_options& options, const std::string& nonce,
                  const std::string& token) {
    v1::Hello hello;
    hello.set_version_min(wire::version_supported);
    hello.set_version_max(wire::version_supported);
    hello.set_role(options.role);
    hello.set_software("stadion");
    hello.set_node(options.node);
    hello.set_token(token);
    hello.set_nonce(nonce);
    wire::append_frame(out, {wire::frame_kind::hello, 0, 0, 0, 0}, hello.SerializeAsString());
}

} // namespace

void greeting::begin(std::string& out, const link_options& options) {
    proof_awaited_.clear();
    if (!options.peer_proves_itself || options.token.empty())
        return append_hello(out, options, {}, options.token);
    const auto nonce = make_nonce();
    proof_awaited_ = proof_of(options.token, nonce);
    append_hello(out, options, nonce, {});
}

bool greeting::finish(std::string& out, const link_options& options, const v1::Welcome& welcome) const {
    if (proof_awaited_.empty()) return true;
    if (!equal_in_constant_time(welcome.proof(), proof_awaited_)) return false;
    append_hello(out, options, {}, options.token);
    return true;
}

} // namespace stadion::net
