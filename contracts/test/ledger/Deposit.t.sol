// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ILedger} from "../../src/interfaces/ILedger.sol";
import {Base} from "../support/Base.sol";
import {FeeToken, HookToken} from "../support/Tokens.sol";

contract DepositTest is Base {
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    function test_RevertGiven_ADelayOutOfRange() external {
        vm.expectRevert(abi.encodeWithSelector(ILedger.DelayOutOfRange.selector, 0, 1, 365 days));
        this.deployLedger(token, 0);
        vm.expectRevert(abi.encodeWithSelector(ILedger.DelayOutOfRange.selector, 365 days + 1, 1, 365 days));
        this.deployLedger(token, 365 days + 1);
    }

    function test_RevertGiven_NoToken() external {
        vm.expectRevert(ILedger.ZeroAddress.selector);
        this.deployLedger(IERC20(address(0)), DELAY);
    }

    function test_RevertWhen_TheRecipientIsZero() external {
        vm.expectRevert(ILedger.ZeroAddress.selector);
        vm.prank(renter);
        ledger.deposit(address(0), 1);
    }

    function test_RevertWhen_TheTokenKeepsAFee() external {
        token = new FeeToken(address(this), FUNDS);
        ledger = deployLedger(token, DELAY);
        token.approve(address(ledger), FUNDS);
        vm.expectRevert(abi.encodeWithSelector(ILedger.FeeOnTransfer.selector, 100, 99));
        ledger.deposit(renter, 100);
    }

    function test_WhenTheTokenCallsBackIntoTheLedger_ItRefusesTheInnerCall() external {
        HookToken hook = new HookToken(address(this), FUNDS);
        ledger = deployLedger(hook, DELAY);
        hook.approve(address(ledger), FUNDS);
        hook.arm(address(ledger), abi.encodeCall(ILedger.deposit, (stranger, 0)));
        ledger.deposit(renter, 100);
        vm.assertTrue(hook.failed(), "the inner deposit went through");
        vm.assertEq(
            bytes32(hook.answer()), bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector), "why"
        );
        vm.assertEq(depositOf(renter), 100, "deposit");

        hook.arm(address(ledger), abi.encodeCall(ILedger.withdrawEarnedFor, (renter)));
        ledger.deposit(renter, 1);
        vm.assertTrue(hook.failed(), "the inner withdrawal went through");
    }

    function test_WhenAllIsWell_ItCreditsTheRecipient() external {
        vm.expectEmit(address(ledger));
        emit ILedger.Deposited(renter2, 100);
        vm.prank(renter);
        ledger.deposit(renter2, 100);
        vm.assertEq(depositOf(renter2), 100, "recipient");
        vm.assertEq(depositOf(renter), 0, "caller");
        vm.assertEq(token.balanceOf(address(ledger)), 100, "ledger");
    }

    function test_WhenDepositingWithAPermit_ItNeedsNoApproval() external {
        token.transfer(stranger, 100);
        (uint8 v, bytes32 r, bytes32 s) = permit(STRANGER, 100, START);
        vm.prank(stranger);
        ledger.depositWithPermit(renter, 100, START, v, r, s);
        vm.assertEq(depositOf(renter), 100, "deposit");
    }

    function test_GivenThePermitWasSubmittedByAnother_ItDepositsAllTheSame() external {
        token.transfer(stranger, 100);
        (uint8 v, bytes32 r, bytes32 s) = permit(STRANGER, 100, START);
        IERC20Permit(address(token)).permit(stranger, address(ledger), 100, START, v, r, s);
        vm.prank(stranger);
        ledger.depositWithPermit(stranger, 100, START, v, r, s);
        vm.assertEq(depositOf(stranger), 100, "deposit");
    }

    function test_RevertGiven_ThePermitIsNoGood() external {
        token.transfer(stranger, 100);
        (uint8 v, bytes32 r, bytes32 s) = permit(RENTER, 100, START);
        vm.expectRevert();
        vm.prank(stranger);
        ledger.depositWithPermit(stranger, 100, START, v, r, s);
        (v, r, s) = permit(STRANGER, 100, START - 1);
        vm.expectRevert();
        vm.prank(stranger);
        ledger.depositWithPermit(stranger, 100, START - 1, v, r, s);
    }

    function deployLedger(IERC20 token_, uint40 delay) public returns (ILedger) {
        return ILedger(vm.deployCode("Ledger.sol:Ledger", abi.encode(token_, delay)));
    }

    function permit(uint256 key, uint256 amount, uint256 deadline)
        private
        view
        returns (uint8 v, bytes32 r, bytes32 s)
    {
        IERC20Permit p = IERC20Permit(address(token));
        address owner = vm.addr(key);
        bytes32 hash = keccak256(abi.encode(PERMIT, owner, address(ledger), amount, p.nonces(owner), deadline));
        return vm.sign(key, keccak256(abi.encodePacked(hex"1901", p.DOMAIN_SEPARATOR(), hash)));
    }
}
