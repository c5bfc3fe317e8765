// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IStake} from "../interfaces/IStake.sol";

/// @title Digests
/// @notice EIP-712 struct hashes of everything the contracts accept a signature on, and who signed.
/// @dev The type strings are read by Go as well; vectors/eip712.json pins both sides to the same bytes.
library Digests {
    bytes32 internal constant VOUCHER =
        keccak256("Voucher(address renter,address provider,uint64 lane,uint96 cumulative,bytes32 memo)");
    bytes32 internal constant RESERVE =
        keccak256("Reserve(address renter,address provider,uint64 lane,uint24 epoch,uint96 cap,uint40 validUntil)");
    bytes32 internal constant LEASE = keccak256(
        "Lease(address renter,address provider,uint64 lane,uint40 start,uint40 end,uint96 penalty,uint8 rule,bytes32 terms)"
    );
    bytes32 internal constant RESULT =
        keccak256("Result(bytes32 lease,uint64 task,uint32 attempt,bytes32 outputRoot,int32 exitCode)");

    function voucher(address renter, address provider, uint64 lane, uint96 cumulative, bytes32 memo)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(VOUCHER, renter, provider, lane, cumulative, memo));
    }

    function reserve(address renter, address provider, uint64 lane, uint24 epoch, uint96 cap, uint40 validUntil)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(RESERVE, renter, provider, lane, epoch, cap, validUntil));
    }

    function lease(IStake.Lease calldata l) internal pure returns (bytes32) {
        return keccak256(abi.encode(LEASE, l.renter, l.provider, l.lane, l.start, l.end, l.penalty, l.rule, l.terms));
    }

    function result(IStake.Result calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(RESULT, r.lease, r.task, r.attempt, r.outputRoot, r.exitCode));
    }

    /// @dev Who signed `structHash` under `domain`, from an EIP-2098 compact signature. Reverts on a high s and on a
    /// signature that recovers to no address (OpenZeppelin's ECDSA errors).
    function signer(bytes32 domain, bytes32 structHash, bytes32 r, bytes32 vs) internal pure returns (address) {
        return ECDSA.recover(MessageHashUtils.toTypedDataHash(domain, structHash), r, vs);
    }
}
