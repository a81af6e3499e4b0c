#include "dbserver/table/store.hpp"

#include "wire/error_message.hpp"

#include <future>
#include <type_traits>

namespace stadion::dbserver {

v1::Outcome to_message(const outcome& what) {
    v1::Outcome message;
    message.set_result(what.result);
    message.set_sequence(what.sequence);
    if (what.failure) {
        message.set_code(static_cast<std::uint32_t>(what.failure->code));
        *message.mutable_error() = wire::to_message(*what.failure);
    }
    if (!what.state) return message;
    if (const v1::Score* score = what.state->score()) *message.mutable_score() = *score;
    if (const v1::MedalTally* tally = what.state->tally()) *message.mutable_tally() = *tally;
    return message;
}

v1::Mutation make_reversal(std::uint64_t sequence, std::string reason, std::string idempotency_key) {
    v1::Mutation mutation;
    mutation.set_idempotency_key(std::move(idempotency_key));
    mutation.mutable_reversal()->set_sequence(sequence);
    mutation.mutable_reversal()->set_reason(std::move(reason));
    return mutation;
}

v1::Mutation make_freeze(bool frozen, std::string idempotency_key) {
    v1::Mutation mutation;
    mutation.set_idempotency_key(std::move(idempotency_key));
    mutation.mutable_freeze()->set_frozen(frozen);
    return mutation;
}

outcome commit_and_wait(store& to, v1::Mutation mutation, const numbering& numbered_in) {
    std::promise<outcome> answer;
    std::vector<v1::Mutation> mutations;
    mutations.push_back(std::move(mutation));
    to.commit(
        std::move(mutations),
        [&answer](std::vector<outcome> outcomes) { answer.set_value(std::move(outcomes.front())); },
        numbered_in);
    return answer.get_future().get();
}

} // namespace stadion::dbserver
